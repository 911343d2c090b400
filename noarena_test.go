//go:build linux

package mp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/pipe"
	"github.com/go-multiproc/mp/shared"
)

var (
	noArenaUse = mp.Func("noArenaUse", func(_ context.Context, m *shared.Mutex) (string, error) {
		return m.String(), nil
	})
	noArenaMake = mp.Func("noArenaMake", func(context.Context, struct{}) (int, error) {
		_, err := shared.NewMutex()
		return 0, err
	})
	noArenaEnd = mp.Func("noArenaEnd", func(_ context.Context, c *pipe.Conn) (int, error) { return 1, c.Close() })

	noArenaTell = mp.Func("noArenaTell", func(ctx context.Context, x int) (int, error) {
		mp.Logger(ctx).Info("heard", "x", x)
		return x, nil
	})
)

// What a worker that was started by one without the arena says of itself: whether it can make a mutex, and what the end of a pipe
// brings that went down to it and up again.
var noArenaInner, noArenaNest *mp.Function[bool, []string]

func init() {
	noArenaInner = mp.Func("noArenaInner", func(context.Context, bool) ([]string, error) {
		_, err := shared.NewMutex()
		return append(inherited(os.Getpid()), fmt.Sprint(err)), nil
	})
	noArenaNest = mp.Func("noArenaNest", func(ctx context.Context, apart bool) ([]string, error) {
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 1, NoArena: apart})
		if err != nil {
			return nil, err
		}
		defer pool.Close()
		said, err := noArenaInner.Call(ctx, pool, apart)
		if err != nil {
			return nil, err
		}
		near, far, err := pipe.New()
		if err != nil {
			return nil, err
		}
		defer near.Close()
		_, err = noArenaEnd.Call(ctx, pool, far)
		return append(said, fmt.Sprint(errors.Is(err, mp.ErrDetached), err)), nil
	})
}

// inherited is what a process has of others: descriptors above its streams, but those that the runtime made, and mappings of memory
// without a name.
func inherited(pid int) (has []string) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	fds, _ := os.ReadDir(dir + "fd")
	for _, fd := range fds {
		what, err := os.Readlink(filepath.Join(dir, "fd", fd.Name()))
		n, _ := strconv.Atoi(fd.Name())
		if err != nil || n < 3 || strings.HasPrefix(what, "anon_inode:") || strings.HasPrefix(what, "/sys/fs/cgroup/") || strings.HasSuffix(what, "/fd") {
			continue
		}
		what, _, _ = strings.Cut(what, ":[")
		has = append(has, "fd "+what)
	}
	maps, _ := os.ReadFile(dir + "maps")
	for line := range strings.Lines(string(maps)) {
		if _, name, ok := strings.Cut(line, "/memfd:"); ok {
			has = append(has, "map "+strings.TrimSuffix(strings.TrimSpace(name), " (deleted)"))
		}
	}
	return has
}

// The worker has its control socket, its side socket, its crash report and its channel, and nothing else: not even what the program
// itself holds without close-on-exec, which a worker that is trusted inherits.
func TestNoArenaHasNothingElse(t *testing.T) {
	noLeaks(t)
	m, err := shared.NewMutex() // so that there is an arena
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Free() }()
	careless, err := syscall.Open("/etc/passwd", syscall.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(careless) }()
	want := []string{"fd /memfd:mp-crash (deleted)", "fd socket", "fd socket", "map mp-channel"}
	pool := newPool(t, mp.PoolConfig{Workers: 1, NoArena: true})
	sameNames(t, "a worker", inherited(pool.Workers()[0].PID), want)
	p, err := wait.Start(ctx, 0, mp.NoArena(true))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the process has taken what is its own", func() bool {
		has := inherited(p.PID())
		return slices.Contains(has, "map mp-channel") && len(has) <= len(want)
	})
	sameNames(t, "a process", inherited(p.PID()), want)
	_ = p.Close()
	trusted := newPool(t, mp.PoolConfig{Workers: 1})
	has := inherited(trusted.Workers()[0].PID)
	if !slices.Contains(has, "fd /etc/passwd") || !slices.Contains(has, "fd /memfd:mp-arena (deleted)") {
		t.Errorf("a worker that is trusted has only %q", has)
	}
}

func sameNames(t *testing.T, what string, got, want []string) {
	t.Helper()
	count := make(map[string]int)
	for _, s := range got {
		count[s]++
	}
	for _, s := range want {
		count[s]--
	}
	for _, n := range count {
		if n != 0 {
			t.Errorf("%s: it has %q, want %q", what, got, want)
			return
		}
	}
}

func TestNoArenaErrors(t *testing.T) {
	noLeaks(t)
	m, err := shared.NewMutex()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Free() }()
	pool := newPool(t, mp.PoolConfig{Workers: 1, NoArena: true})
	for name, call := range map[string]func() error{
		"a handle":     func() error { _, err := noArenaUse.Call(ctx, pool, m); return err },
		"a new object": func() error { _, err := noArenaMake.Call(ctx, pool, struct{}{}); return err },
	} {
		if err := call(); !errors.Is(err, mp.ErrDetached) || !strings.Contains(err.Error(), "NoArena") {
			t.Errorf("%s: %v", name, err)
		}
	}
	near, far, err := pipe.New()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := noArenaEnd.Call(ctx, pool, far); !errors.Is(err, mp.ErrDetached) {
		t.Errorf("an end of a pipe: %v", err)
	}
	if _, err := near.RecvBytes(ctx); err == nil {
		t.Error("the end that could not move is open")
	}
	_ = near.Close()
	// As Init it fails the pool, and says why.
	if _, err := mp.NewPool(mp.PoolConfig{Workers: 1, NoArena: true, Init: noArenaUse.With(m)}); !errors.Is(err, mp.ErrDetached) {
		t.Errorf("as Init: %v", err)
	}
	trusted := newPool(t, mp.PoolConfig{Workers: 1})
	if s, err := noArenaUse.Call(ctx, trusted, m); err != nil || s != m.String() {
		t.Errorf("in another pool: %q, %v", s, err)
	}
}

// All that needs no shared memory works as ever.
func TestNoArenaPoolWorks(t *testing.T) {
	noLeaks(t)
	var log bytes.Buffer
	telling, told := context.WithCancel(ctx)
	logger := slog.New(slog.NewTextHandler(&log, nil))
	pool := newPool(t, mp.PoolConfig{
		Workers: 2, NoArena: true, Init: setup.With(3), Retries: 1, MaxTasks: 50, Logger: logger, MemoryLimit: 256 << 20, Grace: time.Millisecond,
		Observer: func(e mp.Event) {
			if e.Kind == "fraction" {
				told()
			}
		},
	})
	in := make([]int, 500)
	for i := range in {
		in[i] = i
	}
	out, err := square.Map(ctx, pool, in)
	if err != nil || out[499] != 499*499 {
		t.Errorf("%v", err)
	}
	if n, err := getState.Call(ctx, pool, struct{}{}); n != 3 || err != nil {
		t.Errorf("Init: %d, %v", n, err)
	}
	if err := setup.Broadcast(ctx, pool, 4); err != nil {
		t.Error(err)
	}
	if n, err := getState.Call(ctx, pool, struct{}{}); n != 4 || err != nil {
		t.Errorf("Broadcast: %d, %v", n, err)
	}
	if _, err := deaf.Call(ctx, pool, 0, mp.Timeout(time.Millisecond), mp.Retries(0)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a timeout: %v", err)
	}
	big := pattern(9 << 20)
	if b, err := echo.Call(ctx, pool, big); err != nil || !bytes.Equal(b, big) {
		t.Errorf("a large one: %v", err)
	}
	_, err = hog.Call(ctx, pool, 1<<20, mp.Retries(0))
	if we, ok := errors.AsType[*mp.WorkerError](err); !ok || !we.OOM {
		t.Errorf("memory: %v", err)
	}
	lease, err := pool.Lease(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if x, err := noArenaTell.Call(ctx, lease, 7); err != nil || x != 7 {
		t.Errorf("a lease: %d, %v", x, err)
	}
	if err := lease.Release(); err != nil {
		t.Error(err)
	}
	if _, err := sideReport.Call(telling, pool, sideReported{Fraction: 0.5, Wait: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("a fraction: %v", err) // only its being heard ends the call
	}
	if s := pool.Stats(); s.Restarts == 0 {
		t.Errorf("nothing was restarted: %+v", s)
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "heard") {
		t.Errorf("the logger has: %s", &log)
	}
}

// A worker that was killed is replaced: its own channel and its pidfd tell, with no arena to look at.
func TestNoArenaWorkerIsKilled(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2, NoArena: true, Retries: 3})
	for range 20 {
		pid := pool.Workers()[0].PID
		f := square.Go(ctx, pool, 5)
		if pid > 0 {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		if x, err := f.Wait(ctx); x != 25 || err != nil {
			t.Fatalf("%d, %v", x, err)
		}
	}
}

// What such a worker starts is of its family, which has no arena either. If that is not trusted in turn, it is of a third.
func TestNoArenaNested(t *testing.T) {
	noLeaks(t)
	m, err := shared.NewMutex()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Free() }()
	pool := newPool(t, mp.PoolConfig{Workers: 1, NoArena: true})
	for _, apart := range []bool{false, true} {
		said, err := noArenaNest.Call(ctx, pool, apart)
		if err != nil {
			t.Fatal(err)
		}
		n := len(said)
		sameNames(t, fmt.Sprintf("NoArena %t below", apart), said[:n-2], []string{"fd /memfd:mp-crash (deleted)", "fd socket", "fd socket", "map mp-channel"})
		if !strings.Contains(said[n-2], "NoArena") {
			t.Errorf("a mutex below: %s", said[n-2])
		}
		if moved := said[n-1]; apart != strings.HasPrefix(moved, "true") || !apart && moved != "false <nil>" {
			t.Errorf("with NoArena %t below, the end of a pipe: %s", apart, moved)
		}
	}
}
