package mp_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// contract runs a test on every executor: what calls promise does not depend on where they run.
func contract(t *testing.T, test func(t *testing.T, x mp.Executor)) {
	t.Run("Pool", func(t *testing.T) {
		noLeaks(t)
		test(t, newPool(t, mp.PoolConfig{Workers: 2}))
	})
	t.Run("Pool that changes", func(t *testing.T) { // its workers are replaced, and end when there is nothing to do
		noLeaks(t)
		test(t, newPool(t, mp.PoolConfig{Workers: 2, MaxTasks: 1000, IdleTimeout: time.Millisecond}))
	})
	t.Run("Lease", func(t *testing.T) {
		noLeaks(t)
		lease, err := newPool(t, mp.PoolConfig{Workers: 2}).Lease(ctx)
		if err != nil {
			t.Fatal(err)
		}
		test(t, lease)
	})
	t.Run("InProcess", func(t *testing.T) { test(t, mp.InProcess(2)) })
}

// notLeased skips a test of what a lease is not for: more than one worker, or a worker that is killed and comes back.
func notLeased(t *testing.T, x mp.Executor) {
	t.Helper()
	if _, is := x.(*mp.Lease); is {
		t.Skip("a lease is one worker, and ends with it")
	}
}

// T094, T249: apply, and the errors of a function.
func TestCall(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		if v, err := square.Call(ctx, x, 7); v != 49 || err != nil {
			t.Errorf("square of 7 is %d, %v", v, err)
		}
		if v, err := add3.Call(ctx, x, mp.Pack3(1, 2, 3)); v != 6 || err != nil {
			t.Errorf("1+2+3 is %d, %v", v, err)
		}
		for _, size := range []int{0, 1, 31, 32, 33, 4096, 1 << 19, 1<<19 + 1, 1 << 20, 5<<20 + 3} {
			if b, err := echo.Call(ctx, x, pattern(size)); err != nil || !isPattern(b, size) {
				t.Errorf("%d bytes came back as %d, %v", size, len(b), err)
			}
		}
		if v, err := upper.Call(ctx, x, "hällo"); v != "HÄLLO" || err != nil {
			t.Errorf("%q, %v", v, err)
		}
	})
}

// T114, T274, W14, W15: an error has its text there, and is what it was for errors.Is and errors.As; a panic is one, too.
func TestErrorsCrossTheBoundary(t *testing.T) {
	var (
		remote *mp.RemoteError
		pe     *mp.PanicError
		path   *fs.PathError
		oe     *ownError
	)
	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	as := func(target any) func(error) bool { return func(err error) bool { return errors.As(err, target) } }
	for _, c := range []struct {
		how, text string
		checks    []func(error) bool
	}{
		{"plain", "plain failure", []func(error) bool{as(&remote)}},
		{"eof", "reading: EOF", []func(error) bool{as(&remote), is(io.EOF)}},
		{"path", "open /does/not/exist: no such file or directory", []func(error) bool{is(fs.ErrNotExist), is(syscall.ENOENT), as(&path)}},
		{"own", "own sentinel\nown error 7", []func(error) bool{is(errOwn), as(&oe)}},
		{"canceled", "context canceled", []func(error) bool{is(context.Canceled), as(&remote)}},
		{"panic", "mp: panic in a worker: a panic", []func(error) bool{as(&pe)}},
		{"panic error", "mp: panic in a worker: wrapped: unexpected EOF", []func(error) bool{as(&pe), is(io.ErrUnexpectedEOF)}},
		{"goexit", "mp: panic in a worker: runtime.Goexit", []func(error) bool{as(&pe)}},
		{"nil map", "mp: panic in a worker: assignment to entry in nil map", []func(error) bool{as(&pe)}},
	} {
		t.Run(c.how, func(t *testing.T) {
			contract(t, func(t *testing.T, x mp.Executor) {
				_, err := fail.Call(ctx, x, c.how)
				if err == nil || err.Error() != c.text {
					t.Fatalf("got %v", err)
				}
				for i, ok := range c.checks {
					if !ok(err) {
						t.Errorf("check %d fails for %#v", i, err)
					}
				}
				// The worker lives on.
				if v, err := square.Call(ctx, x, 3); v != 9 || err != nil {
					t.Errorf("afterwards: %d, %v", v, err)
				}
			})
		})
	}
	if oe == nil || oe.Code != 7 || path == nil || path.Path != "/does/not/exist" {
		t.Errorf("lost on the way: %+v, %+v", oe, path)
	}
	if pe == nil || !strings.Contains(remote.Type, "Error") && remote.Type == "" {
		t.Errorf("a remote error without a type: %+v", remote)
	}
}

// T095, T098: map keeps the order, whatever the batches are.
func TestMap(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		for _, n := range []int{0, 1, 2, 3, 100, 10_000} {
			in := slices.Collect(upTo(n))
			for _, opts := range [][]mp.MapOption{nil, {mp.ChunkSize(1)}, {mp.ChunkSize(7)}, {mp.ChunkSize(100_000)}} {
				out, err := square.Map(ctx, x, in, opts...)
				if err != nil || len(out) != n {
					t.Fatalf("%d elements: %d results, %v", n, len(out), err)
				}
				for i, v := range out {
					if v != i*i {
						t.Fatalf("element %d of %d is %d", i, n, v)
					}
				}
			}
		}
		out, err := upper.Map(ctx, x, []string{"a", "", strings.Repeat("b", 100_000), "c"})
		if err != nil || out[3] != "C" || len(out[2]) != 100_000 {
			t.Errorf("%d results, %v", len(out), err)
		}
		if _, err := square.Map(ctx, x, []int{1}, mp.ChunkSize(0)); err == nil {
			t.Error("ChunkSize(0) was taken")
		}
	})
}

// W27: the error of a map is the failure that ended it, with its index.
func TestMapReportsTheFirstFailure(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		in := make([]int, 5000)
		in[1234] = 1
		out, err := odd.Map(ctx, x, in)
		var ee *mp.ElementError
		if out != nil || !errors.As(err, &ee) || ee.Index != 1234 || ee.Err.Error() != "1 is odd" {
			t.Errorf("%d results, %v", len(out), err)
		}
		// A failure ends what would else run for ever.
		_, err = odd.Map(ctx, x, slices.Repeat([]int{1}, 1000))
		if !errors.As(err, &ee) {
			t.Error(err)
		}
	})
}

// T105, T107, W26: each index once, failures as values. In order, and on after a failure.
func TestResultsAndStream(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		const n = 3000
		seen := make([]int, n)
		for i, r := range odd.Results(ctx, x, upTo(n)) {
			seen[i]++
			var ee *mp.ElementError
			if i%2 == 1 != errors.As(r.Err, &ee) || r.Err == nil && r.Value != i || ee != nil && ee.Index != i {
				t.Fatalf("element %d: %+v", i, r)
			}
		}
		for i, c := range seen {
			if c != 1 {
				t.Fatalf("element %d came %d times", i, c)
			}
		}
		i := 0
		for v, err := range odd.Stream(ctx, x, upTo(n)) {
			if i%2 == 1 != (err != nil) || err == nil && v != i {
				t.Fatalf("element %d: %d, %v", i, v, err)
			}
			i++
		}
		if i != n {
			t.Fatalf("%d outcomes of %d", i, n)
		}
		for range square.Stream(ctx, x, upTo(0)) {
			t.Error("an outcome of nothing")
		}
	})
}

// Endless inputs are pulled as they are wanted, and a break ends the rest.
func TestStreamIsLazyAndCanBeLeft(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		pulled, released := 0, make(chan struct{})
		endless := func(yield func(int) bool) {
			defer close(released)
			for pulled = 0; yield(pulled); pulled++ {
			}
		}
		n := 0
		for v, err := range square.Stream(ctx, x, endless, mp.Window(10)) {
			if v != n*n || err != nil {
				t.Fatalf("element %d: %d, %v", n, v, err)
			}
			if n++; n == 50 {
				break
			}
		}
		<-released
		if pulled > 50+10+1 {
			t.Errorf("%d inputs were pulled for 50 outcomes and a window of 10", pulled)
		}
	})
}

// An input that waits does not keep outcomes back that are there.
func TestOutcomesDoNotWaitForInputs(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		next := make(chan int, 1)
		next <- 0
		n := 0
		for v, err := range square.Stream(ctx, x, func(yield func(int) bool) {
			for v := range next {
				if !yield(v) {
					return
				}
			}
		}) {
			if v != n*n || err != nil {
				t.Fatal(v, err)
			}
			if n++; n < 5 {
				next <- n // only now, when its predecessor is known
			} else {
				close(next)
			}
		}
		if n != 5 {
			t.Error(n)
		}
	})
}

func TestInputPanicSurfacesAfterItsElements(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		n := 0
		defer func() {
			if p := recover(); p != "no more" || n != 3 {
				t.Errorf("%v after %d elements", p, n)
			}
		}()
		for range square.Stream(ctx, x, func(yield func(int) bool) {
			_ = yield(1) && yield(2) && yield(3)
			panic("no more")
		}) {
			n++
		}
		t.Error("the panic was lost")
	})
}

// W11: the context first, then, in a pool, the worker.
func TestTimeout(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		notLeased(t, x)
		for f, grace := range map[*mp.Function[int, int]]time.Duration{wait: time.Minute, deaf: 20 * time.Millisecond} {
			_, err := f.Call(ctx, x, 1, mp.Timeout(20*time.Millisecond), mp.Grace(grace))
			var te *mp.TimeoutError
			if !errors.As(err, &te) || !errors.Is(err, context.DeadlineExceeded) || te.Index != -1 || te.Killed != (f == deaf) {
				t.Errorf("%s: %#v", f.Name(), err)
			}
		}
		// Of a map, only the element that took too long. The limit is long for a machine that is busy with other tests.
		good := 0
		for i, r := range work.Results(ctx, x, slices.Values([]int{10, 10, 10_000_000, 10, 10}),
			mp.Timeout(500*time.Millisecond), mp.Grace(time.Millisecond)) {
			var te *mp.TimeoutError
			switch {
			case r.Err == nil:
				good++
			case i != 2 || !errors.As(r.Err, &te) || te.Index != 2:
				t.Errorf("element %d: %v", i, r.Err)
			}
		}
		if good != 4 {
			t.Errorf("%d of 4 succeeded", good)
		}
	})
}

// W11: whatever a call waits for, it ends with its context, and the executor is as before.
func TestContextEndsCalls(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		for name, call := range map[string]func(context.Context) error{
			"Call": func(ctx context.Context) error { _, err := wait.Call(ctx, x, 1); return err },
			"Map":  func(ctx context.Context) error { _, err := wait.Map(ctx, x, make([]int, 100)); return err },
			"Go":   func(ctx context.Context) error { _, err := wait.Go(ctx, x, 1).Wait(context.Background()); return err },
			"Results": func(ctx context.Context) error {
				var last error
				for _, r := range wait.Results(ctx, x, upTo(100)) {
					last = r.Err
				}
				return last
			},
		} {
			ctx, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
			cancel()
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s with a context that has ended: %v", name, err)
			}
		}
		if v, err := square.Call(ctx, x, 3); v != 9 || err != nil {
			t.Errorf("afterwards: %d, %v", v, err)
		}
	})
}

// T103: futures, their callbacks and their end.
func TestFuture(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		var wg sync.WaitGroup
		wg.Add(3)
		then := func(want int) func(int, error) {
			return func(v int, err error) {
				defer wg.Done()
				if v != want || err != nil {
					t.Errorf("a callback got %d, %v", v, err)
				}
			}
		}
		fut := square.Go(ctx, x, 5)
		fut.Then(then(25))
		fut.Then(func(int, error) { defer wg.Done(); panic("a callback that panics") })
		if v, err := fut.Wait(ctx); v != 25 || err != nil {
			t.Errorf("%d, %v", v, err)
		}
		<-fut.Done()
		fut.Then(then(25)) // after the end
		wg.Wait()

		running := wait.Go(ctx, x, 0)
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		if _, err := running.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for a while: %v", err)
		}
		cancel()
		running.Cancel()
		running.Cancel()
		if _, err := running.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled call: %v", err)
		}
	})
}

func TestCallWithoutExecutor(t *testing.T) {
	if _, err := square.Call(ctx, nil, 1); err == nil {
		t.Error("a call without an executor succeeded")
	}
	var none *mp.Pool
	if _, err := square.Call(ctx, none, 1); err == nil {
		t.Error("a call with a nil pool succeeded")
	}
}
