package shared_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

type waiting struct {
	Mutex *shared.Mutex
	Cond  *shared.Cond
	State *shared.Array[int64]
	Woken *shared.Value[int64]
	Want  int64
}

func newWaiting(t *testing.T) waiting {
	t.Helper()
	m := fresh(shared.NewMutex())(t)
	return waiting{m, fresh(shared.NewCond(m))(t), fresh(shared.NewArray[int64](2))(t), fresh(shared.NewValue(int64(0)))(t), 0}
}

// waiters are how many wait.
func (w waiting) waiters() (n int) {
	_, _ = fmt.Sscanf(w.Cond.String()[strings.LastIndex(w.Cond.String(), ";")+1:], " %d waiting)", &n)
	return n
}

var (
	// awaitWake waits for one wake-up, and counts it.
	awaitWake = mp.Func("awaitWake", func(ctx context.Context, w waiting) (int, error) {
		if err := w.Mutex.Lock(ctx); err != nil {
			return 0, err
		}
		err := w.Cond.Wait(ctx)
		if err == nil {
			shared.Add(w.Woken, 1)
		}
		return 0, errors.Join(err, w.Mutex.Unlock())
	})

	// pingPong waits for its turn and makes it the next one's.
	pingPong = mp.Func("pingPong", func(ctx context.Context, w waiting) (int64, error) {
		if err := w.Mutex.Lock(ctx); err != nil {
			return 0, err
		}
		turn := w.State.Slice()
		for range 200 {
			if err := w.Cond.WaitFor(ctx, func() bool { return turn[0]%2 == w.Want }); err != nil {
				return 0, err
			}
			turn[0]++
			if err := w.Cond.Broadcast(); err != nil {
				return 0, err
			}
		}
		return turn[0], w.Mutex.Unlock()
	})
)

// T051, H23: with processes and goroutines waiting, nothing wakes by itself, and each Signal wakes one.
func TestCondSignal(t *testing.T) {
	noLeaks(t)
	w := newWaiting(t)
	waiters := 0
	var wg sync.WaitGroup
	for _, where := range []venue{processes, goroutines, processes, goroutines} {
		wg.Go(func() { everywhere(t, where, awaitWake, w) })
		waiters++
		eventually(t, "it waits", func() bool { return w.waiters() == waiters })
	}
	for n := range int64(waiters) {
		if w.Woken.Load() != n || w.waiters() != waiters-int(n) {
			t.Errorf("after %d signals %d are woken, %v", n, w.Woken.Load(), w.Cond)
		}
		ok(t, w.Mutex.Lock(ctx))
		ok(t, w.Cond.Signal(1))
		ok(t, w.Mutex.Unlock())
		eventually(t, "one is woken", func() bool { return w.Woken.Load() > n })
	}
	wg.Wait()
}

// T053: Signal(n) wakes so many, fewer if there are not so many, and is not stored.
func TestCondSignalMany(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		w := newWaiting(t)
		var wg sync.WaitGroup
		wg.Go(func() { everywhere(t, where, awaitWake, w, w, w, w, w, w) })
		woken := func(n int64) {
			t.Helper()
			eventually(t, fmt.Sprint(n, " are woken"), func() bool { return w.Woken.Load() >= n && w.waiters() == int(6-n) })
			if w.Woken.Load() != n {
				t.Errorf("%d were woken, not %d", w.Woken.Load(), n)
			}
		}
		eventually(t, "all wait", func() bool { return w.waiters() == 6 })
		ok(t, w.Cond.Signal(0))
		ok(t, w.Cond.Signal(-1))
		ok(t, w.Cond.Signal(2))
		woken(2)
		ok(t, w.Cond.Signal(4))
		woken(6)
		wg.Wait()
		ok(t, w.Cond.Signal(3))
		ok(t, w.Cond.Broadcast())
		ok(t, w.Mutex.Lock(ctx))
		lasts(t, w.Cond.Wait) // T054: what was given to nobody is not there
		ok(t, w.Mutex.Unlock())
	})
}

// T053: Broadcast wakes all.
func TestCondBroadcast(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		w := newWaiting(t)
		var wg sync.WaitGroup
		wg.Go(func() { everywhere(t, where, awaitWake, w, w, w, w, w) })
		eventually(t, "all wait", func() bool { return w.waiters() == 5 })
		ok(t, w.Cond.Broadcast())
		wg.Wait()
		if w.Woken.Load() != 5 || w.waiters() != 0 {
			t.Errorf("%d were woken, %v", w.Woken.Load(), w.Cond)
		}
	})
}

// T055: WaitFor, in both directions, over shared state.
func TestCondWaitFor(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		w := newWaiting(t)
		other := w
		other.Want = 1
		if out := everywhere(t, where, pingPong, w, other); w.State.At(0) != 400 {
			t.Errorf("%v, %d turns", out, w.State.At(0))
		}
	})
}

// T054, T057: a wait that is interrupted, or too short, has the mutex all the same when it returns, and so has one that was woken.
func TestCondWaitHoldsTheMutexAfterwards(t *testing.T) {
	noLeaks(t)
	w := newWaiting(t)
	wants(t, "Wait without the mutex", w.Cond.Wait(ctx), shared.ErrNotOwner)
	wants(t, "WaitFor without the mutex", w.Cond.WaitFor(ctx, func() bool { return true }), shared.ErrNotOwner)
	ok(t, w.Mutex.Lock(ctx))
	lasts(t, w.Cond.Wait)
	lasts(t, func(ctx context.Context) error { return w.Cond.WaitFor(ctx, func() bool { return false }) })
	ok(t, w.Cond.WaitFor(ctx, func() bool { return true })) // at once
	canceled, cancel := context.WithCancel(ctx)
	wait := make(chan struct{})
	go func() { // somebody else has the mutex while it ends
		defer close(wait)
		eventually(t, "it waits", func() bool { return w.waiters() == 1 })
		ok(t, w.Mutex.Lock(ctx))
		cancel()
		ok(t, w.Mutex.Unlock())
	}()
	wants(t, "interrupted", w.Cond.Wait(canceled), context.Canceled)
	<-wait
	if w.waiters() != 0 {
		t.Errorf("who gave up counts: %v", w.Cond)
	}
	ok(t, w.Mutex.Unlock()) // which would fail if it was not held
}

// W05: a waiter that dies is none any more: the wake-up goes to who is left, and Signal waits for nobody.
func TestCondOfTheDead(t *testing.T) {
	noLeaks(t)
	w := newWaiting(t)
	doomed := []*mp.Process[int]{start(t, awaitWake, w), start(t, awaitWake, w), start(t, awaitWake, w)}
	eventually(t, "they wait", func() bool { return w.waiters() == 3 })
	survivor := start(t, awaitWake, w)
	eventually(t, "it waits", func() bool { return w.waiters() == 4 })
	for _, p := range doomed {
		ok(t, p.Kill())
	}
	ok(t, w.Cond.Signal(1)) // perhaps to one of the dead
	resultOf(t, survivor)
	eventually(t, "the dead wait no more", func() bool { return w.waiters() == 0 })
}

var lockAndSignal = mp.Func("lockAndSignal", func(ctx context.Context, w waiting) (int, error) {
	if err := errors.Join(w.Mutex.Lock(ctx), w.Cond.Signal(1)); err != nil {
		return 0, err
	}
	shared.Add(w.Woken, 1)
	select {}
})

// W04: who is woken and finds the mutex's owner dead hears of it.
func TestCondMutexOfTheDead(t *testing.T) {
	noLeaks(t)
	w := newWaiting(t)
	ok(t, w.Mutex.Lock(ctx))
	p := start(t, lockAndSignal, w)
	go func() {
		eventually(t, "the other has the mutex, and has signalled", func() bool { return w.Woken.Load() == 1 })
		_ = p.Kill()
	}()
	wants(t, "Wait", w.Cond.Wait(ctx), shared.ErrOwnerDied)
	ok(t, w.Mutex.Unlock())
}

// A condition needs a mutex that is there.
func TestNewCond(t *testing.T) {
	noLeaks(t)
	if _, err := shared.NewCond(nil); err == nil {
		t.Error("a condition of no mutex")
	}
	if _, err := shared.NewCond(new(shared.Mutex)); err == nil {
		t.Error("a condition of a zero mutex")
	}
	m := fresh(shared.NewMutex())(t)
	c := fresh(shared.NewCond(m))(t)
	ok(t, m.Free())
	_, err := shared.NewCond(m)
	wants(t, "a condition of a freed mutex", err, shared.ErrClosed)
	wants(t, "Wait with a freed mutex", c.Wait(ctx), shared.ErrClosed)
	ok(t, c.Signal(1))
}
