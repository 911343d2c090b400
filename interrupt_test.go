//go:build linux

package mp_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// busyPool is a pool whose two workers run an element that ends when it is cancelled.
func busyPool(t *testing.T) *mp.Pool {
	t.Helper()
	pool := newPool(t, mp.PoolConfig{Workers: 2, Grace: time.Hour})
	for range 2 {
		wait.Go(ctx, pool, 0)
	}
	eventually(t, "both run", func() bool {
		n := 0
		for _, w := range pool.Workers() {
			if w.Function == "wait" {
				n++
			}
		}
		return n == 2
	})
	return pool
}

// A Map that is interrupted fails with the lowest index of what did not run.
func TestInterruptMap(t *testing.T) {
	noLeaks(t)
	pool := busyPool(t)
	mapped := make(chan error)
	go func() {
		_, err := square.Map(ctx, pool, make([]int, 100_000))
		mapped <- err
	}()
	eventually(t, "the map waits", func() bool { return pool.Stats().Queued >= 100_000 })
	pool.Interrupt()
	var ee *mp.ElementError
	if err := <-mapped; !errors.As(err, &ee) || ee.Index != 0 || !errors.Is(err, mp.ErrInterrupted) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := square.Map(ctx, pool, []int{1}); !errors.Is(err, mp.ErrClosed) {
		t.Errorf("a new map: %v", err)
	}
	pool.Interrupt() // means nothing now
}

// Results and Stream yield what finished, and ErrInterrupted for the rest, each index once, and end, though the input has no end, or
// does not come; nothing more is pulled.
func TestInterruptStreams(t *testing.T) {
	noLeaks(t)
	never := make(chan struct{})
	defer close(never)
	for name, stuck := range map[string]bool{"endless": false, "stuck": true} {
		for _, ordered := range []bool{false, true} {
			pool := newPool(t, mp.PoolConfig{Workers: 2, Grace: time.Hour})
			var pulled atomic.Int64
			input := func(yield func(int) bool) {
				for i := 0; ; i++ {
					if stuck && i == 1000 {
						<-never
						return
					}
					if pulled.Add(1); !yield(i) {
						pulled.Add(-1) // it was not taken
						return
					}
				}
			}
			var outcomes iter.Seq2[int, error] = func(yield func(int, error) bool) {
				for i, r := range square.Results(ctx, pool, input) {
					if r.Err == nil && r.Value != i*i {
						t.Errorf("%d: %d", i, r.Value)
					}
					if !yield(i, r.Err) {
						return
					}
				}
			}
			if ordered {
				outcomes = func(yield func(int, error) bool) {
					i := 0
					for v, err := range square.Stream(ctx, pool, input) {
						if err == nil && v != i*i {
							t.Errorf("%d: %d", i, v)
						}
						if !yield(i, err) {
							return
						}
						i++
					}
				}
			}
			seen, good := make(map[int]bool), 0
			for i, err := range outcomes {
				if seen[i] {
					t.Fatalf("%d twice", i)
				}
				if seen[i] = true; len(seen) == 500 {
					pool.Interrupt()
				}
				switch {
				case err == nil:
					good++
				case !errors.Is(err, mp.ErrInterrupted):
					t.Errorf("%d: %v", i, err)
				}
			}
			eventually(t, "what was taken has an outcome", func() bool { return int(pulled.Load()) == len(seen) })
			t.Logf("%s, ordered %v: %d of %d succeeded", name, ordered, good, len(seen))
		}
	}
}

// A signal that comes while the pool starts ends the start.
func TestSignalWhileStarting(t *testing.T) {
	c := make(chan os.Signal, 1) // what package signal makes for good is no leak
	signal.Notify(c, syscall.SIGWINCH)
	signal.Stop(c)
	noLeaks(t)
	dir := t.TempDir()
	go func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for found := []string(nil); len(found) == 0; found, _ = filepath.Glob(filepath.Join(dir, "*")) {
			<-tick.C
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGWINCH)
	}()
	_, err := mp.NewPool(mp.PoolConfig{Workers: 2, Init: hangingInit.With(dir), Signals: []os.Signal{syscall.SIGWINCH}})
	if !errors.Is(err, mp.ErrInterrupted) {
		t.Errorf("%v", err)
	}
}

// hangingInit makes a file, and runs until its worker is killed.
var hangingInit = mp.Func("hangingInit", func(_ context.Context, dir string) (int, error) {
	f, err := os.CreateTemp(dir, "up")
	if err != nil {
		return 0, err
	}
	f.Close()
	select {}
})
