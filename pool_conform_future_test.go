package mp_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// outcome is what a callback was called with.
type outcome struct {
	v   int
	err error
}

// told is a callback, and where what it is told arrives. It is told once.
func told(t *testing.T) (then func(int, error), got <-chan outcome) {
	c, n := make(chan outcome, 1), new(atomic.Int32)
	t.Cleanup(func() {
		if n.Load() != 1 {
			t.Errorf("a callback was called %d times", n.Load())
		}
	})
	return func(v int, err error) {
		if n.Add(1) == 1 {
			c <- outcome{v, err}
		}
	}, c
}

// T099, T117, T285, T286, T289, T290, T298, T299, T301: a callback is told of a value, a failure and a cancellation, once, whether it was
// given before the end of the call or after it; and so is who waits.
func TestFutureTellsOfEveryEnd(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		for name, c := range map[string]struct {
			start func() *mp.Future[int]
			v     int
			is    func(error) bool
		}{
			"value":     {func() *mp.Future[int] { return square.Go(ctx, x, 6) }, 36, func(err error) bool { return err == nil }},
			"failure":   {func() *mp.Future[int] { return fail.Go(ctx, x, "own") }, 0, func(err error) bool { return errors.Is(err, errOwn) }},
			"cancelled": {func() *mp.Future[int] { return wait.Go(ctx, x, 1) }, 0, func(err error) bool { return errors.Is(err, context.Canceled) }},
			"refused":   {func() *mp.Future[int] { return square.Go(expired(), x, 1) }, 0, func(err error) bool { return errors.Is(err, context.Canceled) }},
		} {
			f := c.start()
			early, first := told(t)
			f.Then(early)
			var waiters sync.WaitGroup
			for range 3 {
				waiters.Go(func() {
					if v, err := f.Wait(ctx); v != c.v || !c.is(err) {
						t.Errorf("%s: a waiter has %d, %v", name, v, err)
					}
				})
			}
			if name == "cancelled" {
				f.Cancel()
			}
			waiters.Wait()
			<-f.Done()
			late, second := told(t)
			f.Then(late)
			for _, got := range []outcome{<-first, <-second} {
				if got.v != c.v || !c.is(got.err) {
					t.Errorf("%s: a callback has %+v", name, got)
				}
			}
		}
	})
}

// T287, T291, W13, H02: callbacks that panic, or never return, keep nobody from being told, and no call from ending.
func TestFutureCallbacksHurtNobody(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		release := make(chan struct{})
		defer close(release)
		f := square.Go(ctx, x, 4)
		var callbacks []<-chan outcome
		for range 2 { // before the end, perhaps, and after it
			f.Then(func(int, error) { panic("a callback that panics") })
			f.Then(func(int, error) { <-release })
			then, got := told(t)
			f.Then(then)
			callbacks = append(callbacks, got)
			if v, err := f.Wait(ctx); v != 16 || err != nil {
				t.Fatal(v, err)
			}
		}
		for _, got := range callbacks {
			if o := <-got; o.v != 16 || o.err != nil {
				t.Errorf("%+v", o)
			}
		}
		if v, err := square.Call(ctx, x, 5); v != 25 || err != nil {
			t.Errorf("while a callback hangs: %d, %v", v, err)
		}
	})
}

// W12: a callback may end the pool that has called it.
func TestFutureCallbackEndsThePool(t *testing.T) {
	noLeaks(t)
	for _, end := range []func(*mp.Pool) error{(*mp.Pool).Close, (*mp.Pool).Kill} {
		pool := newPool(t, mp.PoolConfig{Workers: 1})
		ended := make(chan error)
		square.Go(ctx, pool, 1).Then(func(int, error) { ended <- end(pool) })
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// T293, T294, T295, T302, T303, W30: what has not ended can be cancelled, whether it waits or runs; what has ended keeps its outcome.
func TestFutureCancelByState(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		running := []*mp.Future[int]{wait.Go(ctx, x, 1), wait.Go(ctx, x, 2)} // all workers
		queued := square.Go(ctx, x, 3)
		queued.Cancel()
		if _, err := queued.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("one that waits: %v", err)
		}
		for _, f := range running {
			select {
			case <-f.Done():
				t.Fatal("one that runs has ended")
			default:
			}
			f.Cancel()
			if _, err := f.Wait(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("one that runs: %v", err)
			}
		}
		for f, is := range map[*mp.Future[int]]func(int, error) bool{
			square.Go(ctx, x, 4):     func(v int, err error) bool { return v == 16 && err == nil },
			fail.Go(ctx, x, "plain"): func(_ int, err error) bool { return err.Error() == "plain failure" },
		} {
			<-f.Done()
			for range 2 {
				f.Cancel()
				if v, err := f.Wait(ctx); !is(v, err) {
					t.Errorf("cancelled after its end: %d, %v", v, err)
				}
			}
		}
	})
}

// T297: to wait for a while ends with that while, and the call goes on; what has ended is there, whatever the context.
func TestFutureWaitForAWhile(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		f := wait.Go(ctx, x, 1)
		if _, err := f.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if _, err := f.Wait(expired()); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		f.Cancel()
		f = square.Go(ctx, x, 3)
		<-f.Done()
		if v, err := f.Wait(expired()); v != 9 || err != nil {
			t.Errorf("it has ended: %d, %v", v, err)
		}
	})
}

// T283, T353: a thousand calls that are started before anybody waits all end, and whoever waits for them misses none.
func TestManyFutures(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		futures := make([]*mp.Future[int], 1000)
		for i := range futures {
			futures[i] = square.Go(ctx, x, i)
		}
		n := 0
		for i, r := range mp.AsCompleted(ctx, futures...) {
			if n++; r.Value != i*i || r.Err != nil {
				t.Errorf("call %d: %+v", i, r)
			}
		}
		if n != len(futures) {
			t.Errorf("%d of %d", n, len(futures))
		}
	})
}

// T334: of fifty calls that are cancelled some have ended, well, and the rest are cancelled.
func TestCancelManyFutures(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		futures := make([]*mp.Future[int], 50)
		for i := range futures {
			futures[i] = work.Go(ctx, x, 1000)
		}
		if _, err := futures[0].Wait(ctx); err != nil {
			t.Error(err)
		}
		for _, f := range futures {
			f.Cancel()
		}
		count := map[string]int{}
		for i, r := range mp.AsCompleted(ctx, futures...) {
			if r.Err != nil && !errors.Is(r.Err, context.Canceled) {
				t.Errorf("call %d: %v", i, r.Err)
			}
			count[fmt.Sprint(r.Err == nil)]++
		}
		if count["true"] == 0 || count["true"]+count["false"] != 50 {
			t.Error(count)
		}
	})
}
