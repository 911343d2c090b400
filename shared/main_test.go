package shared_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
	"github.com/go-multiproc/mp/shared"
)

func TestMain(m *testing.M) {
	if early != nil && mp.IsWorker() {
		early()
	}
	mp.Main()
	if role := os.Getenv("MP_SHARED_ROLE"); role != "" {
		os.Exit(roles[role]())
	}
	os.Exit(proctest.Guard(9*time.Minute, func() int {
		// What the first start makes for good is no leak of a test.
		if p, err := mp.NewPool(mp.PoolConfig{Workers: 1}); err == nil {
			_ = p.Close()
		}
		for range cap(spare) {
			x := mp.InProcess(1)
			_, _ = idle.Call(ctx, x, 0)
			spare <- x
		}
		code := m.Run()
		if left := mp.ActiveChildren(); len(left) > 0 && code == 0 {
			fmt.Fprintln(os.Stderr, "children are left:", left)
			code = 1
		}
		return code
	}))
}

// roles are programs that tests run as roots of families of their own.
var roles = map[string]func() int{}

// early is what a worker does before mp.Main, in a test of that.
var early func()

var ctx = context.Background()

// short is how long tests wait for what does not come.
const short = 20 * time.Millisecond

// eventually waits until cond holds; a minute is a hang.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	proctest.Eventually(t, what, cond)
}

// noLeaks checks at the end of the test that it has left nothing behind, neither here nor in the shared memory.
func noLeaks(t *testing.T) {
	t.Helper()
	proctest.NoLeaks(t, proctest.Goroutines, proctest.Descriptors, proctest.SharedFiles, func(s proctest.Stock) {
		s.Add("children", len(mp.ActiveChildren()))
		if stats, err := shared.Stats(); err == nil {
			s.Add("objects", int(stats.Objects))
			s.Add("bytes", int(stats.Used))
			s.Add("processes", len(stats.PIDs))
		}
	})
}

// An object is any handle.
type object interface {
	comparable
	Free() error
	String() string
}

// fresh hands over a new object that goes with the test: fresh(shared.NewMutex())(t).
func fresh[H object](h H, err error) func(t *testing.T) H {
	return func(t *testing.T) H {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := h.Free(); err != nil && !errors.Is(err, shared.ErrClosed) {
				t.Errorf("freeing %v: %v", h, err)
			}
		})
		return h
	}
}

// start starts a process that goes with the test.
func start[In, Out any](t *testing.T, f *mp.Function[In, Out], in In) *mp.Process[Out] {
	t.Helper()
	p, err := f.Start(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// resultOf is what a process returns.
func resultOf[Out any](t *testing.T, p *mp.Process[Out]) Out {
	t.Helper()
	out, err := p.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func newPool(t *testing.T, workers int) *mp.Pool {
	t.Helper()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	return pool
}

// A venue is where the parts of a test run.
type venue string

const (
	processes  venue = "processes"
	goroutines venue = "goroutines"
)

// onBoth runs a test between processes and between the goroutines of one.
func onBoth(t *testing.T, test func(t *testing.T, where venue)) {
	t.Helper()
	for _, where := range []venue{processes, goroutines} {
		t.Run(string(where), func(t *testing.T) {
			noLeaks(t)
			test(t, where)
		})
	}
}

// everywhere runs f on each input, all at once, each in a process or on a goroutine of its own: these decode what they are given,
// too, so each has handles of its own.
func everywhere[In, Out any](t *testing.T, where venue, f *mp.Function[In, Out], ins ...In) []Out {
	t.Helper()
	out, errs := make([]Out, len(ins)), make([]error, len(ins))
	var wg sync.WaitGroup
	for i, in := range ins {
		wg.Go(func() {
			if where == goroutines {
				x := idleExecutor()
				out[i], errs[i] = f.Call(ctx, x, in)
				spare <- x
				return
			}
			p, err := f.Start(ctx, in)
			if err != nil {
				errs[i] = err
				return
			}
			out[i], errs[i] = p.Wait(ctx)
		})
	}
	wg.Wait()
	ok(t, errors.Join(errs...))
	return out
}

// spare are executors of one goroutine that have nothing to do. The goroutine stays for good, so they are made once.
var spare = make(chan mp.Executor, 16)

var idle = mp.Func("idle", func(context.Context, int) (int, error) { return 0, nil })

func idleExecutor() mp.Executor {
	select {
	case x := <-spare:
		return x
	default:
		return mp.InProcess(1)
	}
}

// ok fails the test on an error.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants checks that an error is the one that was to come.
func wants(t *testing.T, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s: %v, not %v", what, err, target)
	}
}

// panics returns what fn panics with, nil if it does not.
func panics(fn func()) (v any) {
	defer func() { v = recover() }()
	fn()
	return nil
}

// lasts checks that a wait for what does not come ends with its context, not before, and with the context's error; and
// at once if that has ended already.
func lasts(t *testing.T, wait func(context.Context) error) {
	t.Helper()
	begun := time.Now()
	limited, cancel := context.WithTimeout(ctx, short)
	defer cancel()
	err := wait(limited)
	if took := time.Since(begun); !errors.Is(err, context.DeadlineExceeded) || took < short {
		t.Errorf("after %v of %v: %v", took, short, err)
	}
	canceled, stop := context.WithCancel(ctx)
	stop()
	wants(t, "with a context that has ended", wait(canceled), context.Canceled)
}
