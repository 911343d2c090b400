//go:build linux

package mp_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp"
)

type surroundings struct {
	Env, Dir string
	Procs    int
	CPUs     []int
}

// look tells where a worker runs.
var look = mp.Func("look", func(_ context.Context, name string) (s surroundings, err error) {
	s.Env, s.Procs = os.Getenv(name), runtime.GOMAXPROCS(0)
	if s.Dir, err = os.Getwd(); err != nil {
		return s, err
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return s, err
	}
	for i := range 1024 {
		if set.IsSet(i) {
			s.CPUs = append(s.CPUs, i)
		}
	}
	return s, nil
})

// W39: each worker runs where it was told to.
func TestPoolSurroundings(t *testing.T) {
	noLeaks(t)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	cpu := 0
	for !set.IsSet(cpu) {
		cpu++
	}
	pool := newPool(t, mp.PoolConfig{
		Workers: 2, Env: []string{"MP_TEST_LOOK=here"}, Dir: dir, MaxProcs: 3, CPUs: [][]int{{cpu}},
	})
	for _, s := range mustMap(t, look, pool, []string{"MP_TEST_LOOK", "MP_TEST_LOOK", "MP_TEST_LOOK"}) {
		if s.Env != "here" || s.Dir != dir || s.Procs != 3 || len(s.CPUs) != 1 || s.CPUs[0] != cpu {
			t.Errorf("%+v", s)
		}
	}
}

func mustMap[In, Out any](t *testing.T, f *mp.Function[In, Out], x mp.Executor, in []In) []Out {
	t.Helper()
	out, err := f.Map(ctx, x, in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// T245: Init runs once in each worker before its first element, Exit once in each that ends in order.
func TestInitAndExit(t *testing.T) {
	noLeaks(t)
	file := filepath.Join(t.TempDir(), "exits")
	pool := newPool(t, mp.PoolConfig{Workers: 2, Init: setup.With(7), Exit: teardown.With(file)})
	for _, v := range mustMap(t, getState, pool, make([]struct{}, 20)) {
		if v != 7 {
			t.Errorf("an element ran before Init: %d", v)
		}
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(file); err != nil || strings.Count(string(b), "\n") != 2 {
		t.Errorf("Exit ran as %q, %v", b, err)
	}
}

// T123, T305, T306, W16: a failure of Init, of whatever kind, is that of NewPool, and all that were started have ended.
func TestInitFails(t *testing.T) {
	noLeaks(t)
	for name, init := range map[string]mp.Task{"error": setup.With(-1), "panic": fail.With("panic"), "exit": crash.With("exit 3")} {
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 3, Init: init, Stderr: io.Discard})
		if pool != nil || err == nil {
			t.Fatalf("%s: a pool was made", name)
		}
		var pe *mp.PanicError
		var we *mp.WorkerError
		ok := map[string]bool{"error": errors.Is(err, errOwn), "panic": errors.As(err, &pe), "exit": errors.As(err, &we) && we.ExitCode == 3}
		if !ok[name] {
			t.Errorf("%s: %v", name, err)
		}
		if left := mp.ActiveChildren(); len(left) > 0 {
			eventually(t, "the others have ended", func() bool { return len(mp.ActiveChildren()) == 0 })
		}
	}
}

func TestInitThatHangs(t *testing.T) {
	noLeaks(t)
	_, err := mp.NewPool(mp.PoolConfig{Workers: 2, Init: deaf.With(0), StartTimeout: 200 * time.Millisecond})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// W10: a full window refuses TryGo, holds Go, and lets both go on when there is room.
func TestWindow(t *testing.T) {
	noLeaks(t)
	for _, c := range []mp.PoolConfig{{Workers: 1, Window: 2}, {Workers: 1, WindowBytes: 16}} {
		pool := newPool(t, c)
		a, b := wait.Go(ctx, pool, 1), wait.Go(ctx, pool, 2)
		if _, err := wait.TryGo(ctx, pool, 3); !errors.Is(err, mp.ErrFull) {
			t.Errorf("%+v: a third was taken: %v", c, err)
		}
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		if _, err := wait.Go(short, pool, 3).Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%+v: waiting for room: %v", c, err)
		}
		cancel()
		third := make(chan *mp.Future[int])
		go func() { third <- square.Go(ctx, pool, 3) }()
		a.Cancel()
		b.Cancel()
		if v, err := (<-third).Wait(ctx); v != 9 || err != nil {
			t.Errorf("%+v: %d, %v", c, v, err)
		}
		if _, err := square.TryGo(ctx, pool, 4); err != nil {
			t.Errorf("%+v: with room again: %v", c, err)
		}
	}
}

// W29: what the pool says of itself adds up; the observer is told of every start, element and end.
func TestStatsAndObserver(t *testing.T) {
	noLeaks(t)
	var mu sync.Mutex
	events := make(map[string]int)
	pool := newPool(t, mp.PoolConfig{Workers: 2, Observer: func(e mp.Event) {
		mu.Lock()
		defer mu.Unlock()
		events[e.Kind]++
	}})
	for range odd.Results(ctx, pool, upTo(1000)) {
	}
	fut := wait.Go(ctx, pool, 1)
	eventually(t, "one runs", func() bool {
		n := 0
		for _, w := range pool.Workers() {
			if w.State == "running" && w.Function == "wait" && w.PID > 0 && !w.Since.IsZero() {
				n++
			}
		}
		return n == 1 && pool.Stats().Running == 1
	})
	fut.Cancel()
	eventually(t, "everything is counted", func() bool {
		s := pool.Stats()
		return s.Done == 500 && s.Failed >= 500 && s.Failed <= 501 && s.Running == 0 && s.Restarts == 0
	})
	done := int64(0)
	for i, w := range pool.Workers() {
		if w.Index != i {
			t.Errorf("%+v at %d", w, i)
		}
		done += w.Done
	}
	if done != 1000 && done != 1001 {
		t.Errorf("the workers have done %d", done)
	}
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if events["worker started"] != 2 || events["worker ended"] != 2 || events["finish"] < 1000 {
		t.Errorf("%v", events)
	}
}

// Nothing leaks over 100 pools.
func TestHundredPools(t *testing.T) {
	noLeaks(t)
	for i := range 100 {
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := square.Call(ctx, pool, i); v != i*i || err != nil {
			t.Errorf("%d, %v", v, err)
		}
		if i%10 == 9 {
			_ = syscall.Kill(pool.Workers()[0].PID, syscall.SIGKILL)
			err = pool.Kill()
		} else {
			err = pool.Close()
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// A program with one CPU for its goroutines works as well.
func TestOneProc(t *testing.T) {
	noLeaks(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	in := make([]int, 10_000)
	mustMap(t, square, pool, in)
	for i := range 200 {
		if v, err := square.Call(ctx, pool, i); v != i*i || err != nil {
			t.Fatal(v, err)
		}
	}
	if b, err := echo.Call(ctx, pool, pattern(5<<20)); err != nil || !isPattern(b, 5<<20) {
		t.Error(len(b), err)
	}
}
