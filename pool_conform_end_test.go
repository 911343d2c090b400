//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
)

// T109, T337: a pool has as many workers as it was told, each a process of its own.
func TestPoolHasItsWorkers(t *testing.T) {
	noLeaks(t)
	for _, n := range []int{1, 3} {
		pool := newPool(t, mp.PoolConfig{Workers: n})
		if got := poolPIDs(pool); len(got) != n || got[0] || got[os.Getpid()] {
			t.Errorf("%d workers: %v", n, got)
		}
		if got := len(mp.ActiveChildren()); got != n {
			t.Errorf("%d workers: %d children", n, got)
		}
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	}
}

// T110, T326, W12: a pool with ten thousand elements that wait, and some that run and heed nothing, ends when it is killed, and they all
// have their outcome.
func TestKillWithMuchToDo(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 3})
	var maps sync.WaitGroup
	maps.Go(func() {
		if _, err := deaf.Map(ctx, pool, make([]int, 10_000)); !errors.Is(err, mp.ErrClosed) {
			t.Errorf("a map: %v", err)
		}
	})
	futures := goAll(deaf, pool, make([]int, 100)...)
	eventually(t, "three run", func() bool { return pool.Stats().Running == 3 })
	if err := pool.Kill(); err != nil {
		t.Error(err)
	}
	maps.Wait()
	for i, r := range mp.AsCompleted(ctx, futures...) {
		if !errors.Is(r.Err, mp.ErrClosed) {
			t.Errorf("call %d: %v", i, r.Err)
		}
	}
	if left := mp.ActiveChildren(); len(left) > 0 {
		t.Errorf("workers are left: %+v", left)
	}
}

// T254, T333, W38: a pool that is closed as soon as a map has one element more than there are workers finishes them.
func TestCloseBehindAMap(t *testing.T) {
	noLeaks(t)
	for range 10 {
		pool := newPool(t, mp.PoolConfig{Workers: 2})
		futures := goAll(square, pool, 1, 2, 3)
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
		for i, r := range mp.AsCompleted(ctx, futures...) {
			if want := (i + 1) * (i + 1); r.Value != want || r.Err != nil {
				t.Errorf("call %d: %+v", i, r)
			}
		}
	}
}

// leftOpen is a pool that its program forgets.
var leftOpen *mp.Pool

func init() {
	roles["pool left open"] = func() int {
		var err error
		if leftOpen, err = mp.NewPool(mp.PoolConfig{Workers: 2}); err != nil {
			return 1
		}
		out, err := square.Map(ctx, leftOpen, []int{1, 2, 3})
		if err != nil || !slices.Equal(out, []int{1, 4, 9}) {
			return 2
		}
		fmt.Println(leftOpen.Workers()[0].PID, leftOpen.Workers()[1].PID)
		return 0
	}
}

// T122, T331, T335, W37: a program that ends with an open pool ends at once, well and without a word, and its workers with it.
func TestProgramThatLeavesAPoolOpen(t *testing.T) {
	cmd := role("pool left open")
	var errs proctest.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || errs.String() != "" {
		t.Fatalf("%v: %s%s", err, out, errs.String())
	}
	var workers [2]int
	if _, err := fmt.Sscan(string(out), &workers[0], &workers[1]); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	for _, pid := range workers {
		eventually(t, "its workers have ended", func() bool { return proctest.Ended(pid) })
	}
}

// fourthFails is an Init that fails in the worker with index 3.
var fourthFails = mp.Func("fourthFails", func(context.Context, struct{}) (int, error) {
	if mp.Current().Worker == 3 {
		return 0, errOwn
	}
	return 0, nil
})

// T123, H11: when the fourth of five workers fails, NewPool does, with its error, and the others have ended.
func TestFourthOfFiveFails(t *testing.T) {
	noLeaks(t)
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 5, Init: fourthFails.With(struct{}{})})
	if pool != nil || !errors.Is(err, errOwn) {
		t.Errorf("%v", err)
	}
	eventually(t, "the others have ended", func() bool { return len(mp.ActiveChildren()) == 0 })
}

// once is an Init that succeeds as often as there are files that can be taken out of a directory.
var once = mp.Func("once", func(_ context.Context, dir string) (int, error) {
	for _, name := range []string{"a", "b"} {
		if os.Remove(filepath.Join(dir, name)) == nil {
			return 0, nil
		}
	}
	return 0, fmt.Errorf("there is no file left: %w", errOwn)
})

// T305, T306, T322, T327, W16: when Init fails in a worker that comes later, the pool has failed, with its error, for all that wait, run or come;
// nothing is started again; and to end it is fine.
func TestInitFailsLater(t *testing.T) {
	noLeaks(t)
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var started atomic.Int32
	pool := newPool(t, mp.PoolConfig{Workers: 2, Init: once.With(dir), Stderr: io.Discard, Observer: func(e mp.Event) {
		if e.Kind == "worker started" {
			started.Add(1)
		}
	}})
	futures := goAll(wait, pool, 1, 2, 3, 4)
	eventually(t, "two run", func() bool { return pool.Stats().Running == 2 })
	if err := syscall.Kill(pool.Workers()[0].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	killed := 0
	for i, r := range mp.AsCompleted(ctx, futures...) {
		if we, ok := errors.AsType[*mp.WorkerError](r.Err); ok && we.Signal == syscall.SIGKILL {
			killed++
		} else if !errors.Is(r.Err, errOwn) {
			t.Errorf("call %d: %v", i, r.Err)
		}
	}
	if killed > 1 {
		t.Errorf("%d calls died of one kill", killed)
	}
	for name, run := range waysOf {
		if _, err := run(ctx, pool, square, upTo(1)); !errors.Is(err, errOwn) {
			t.Errorf("%s of a pool that has failed: %v", name, err)
		}
	}
	if _, err := square.Call(ctx, pool, 1); !errors.Is(err, errOwn) {
		t.Error(err)
	}
	if err := pool.Ready(ctx); !errors.Is(err, errOwn) {
		t.Error(err)
	}
	for range 2 {
		if pool.Kill() != nil || pool.Close() != nil {
			t.Error("to end it is an error")
		}
	}
	if n := started.Load(); n != 3 {
		t.Errorf("%d workers were started", n)
	}
}

// T343, W30: of a map that is cancelled what has not begun never begins.
func TestWhatHasNotBegunNeverDoes(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 1})
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	path, feed := fifo(t)
	first := read.Go(ctx, pool, path) // keeps the worker
	eventually(t, "it runs", func() bool { return pool.Stats().Running == 1 })
	c, cancel := context.WithCancel(ctx)
	in := make([]marked, 1000)
	for i := range in {
		in[i] = marked{Log: log, Index: i}
	}
	result := make(chan error)
	go func() {
		_, err := mark.Map(c, pool, in)
		result <- err
	}()
	eventually(t, "all wait", func() bool { return pool.Stats().Queued == len(in) })
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	feed()
	if _, err := first.Wait(ctx); err != nil {
		t.Error(err)
	}
	if v, err := square.Call(ctx, pool, 7); v != 49 || err != nil {
		t.Error(v, err)
	}
	for i, began := range marks(t, log, len(in)) {
		if len(began) > 0 {
			t.Errorf("element %d began", i)
		}
	}
}
