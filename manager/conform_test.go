//go:build linux

package manager_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/shared"
)

// conformToChild is what Python's tests have a child do with objects that its parent made.
var conformToChild = map[string]func(ctx context.Context, l locks) error{
	"event": func(ctx context.Context, l locks) error {
		if set, err := l.Event.IsSet(ctx); err != nil || !set {
			return errors.Join(err, errors.New("it is not set"))
		}
		return errors.Join(l.Event.Wait(ctx), l.Event.Clear(ctx))
	},
	"mutex": func(ctx context.Context, l locks) error { return l.Mutex.Lock(ctx) }, // and ends with it
	"bounded": func(ctx context.Context, l locks) error {
		return errors.Join(l.Bounded.Acquire(ctx), l.Bounded.Release(ctx))
	},
	"cond": func(ctx context.Context, l locks) error {
		return l.Mutex.Do(ctx, func() error { return errors.Join(l.Cond.Signal(ctx, 1), l.Cond.Broadcast(ctx)) })
	},
	"barrier": func(ctx context.Context, l locks) error {
		if n, err := l.Barrier.Parties(ctx); err != nil || n != 2 {
			return errors.Join(err, errors.New("it has other parties"))
		}
		return l.Barrier.Reset(ctx)
	},
}

var conformUses = mp.Func("manager_test.conformUses", func(ctx context.Context, e errand) (int, error) {
	return 0, conformToChild[e.What](ctx, e.Locks)
})

// conformUsed starts a child that does something with the locks, and is to succeed.
func conformUsed(t *testing.T, l locks, what string) {
	t.Helper()
	p, err := conformUses.Start(ctx, errand{Locks: l, What: what})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(ctx); err != nil || p.ExitCode() != 0 {
		t.Errorf("%s: %v, exit code %d", what, err, p.ExitCode())
	}
}

// T133, T137, T138, T139: an event, a semaphore, a condition and a barrier that the parent made are used by a child, and the parent sees what
// that did.
func TestConformLocksInAChild(t *testing.T) {
	m := start(t)
	l := newLocks(m)
	ok(t, l.Event.Set(ctx))
	conformUsed(t, l, "event")
	if must(l.Event.IsSet(ctx)) {
		t.Error("the child has cleared it")
	}
	limited, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
	defer cancel()
	is(t, "Wait for a while", l.Event.Wait(limited), context.DeadlineExceeded)

	before := must(l.Bounded.Value(ctx))
	conformUsed(t, l, "bounded")
	if after := must(l.Bounded.Value(ctx)); after != before {
		t.Errorf("%d permits are free, and were %d", after, before)
	}

	woken := make(chan error)
	go func() { woken <- l.Mutex.Do(ctx, func() error { return l.Cond.Wait(ctx) }) }()
	eventually(t, "it waits", func() bool { return must(m.Stats(ctx)).Waiting == 1 })
	conformUsed(t, l, "cond")
	ok(t, <-woken)

	broken := make(chan error)
	go func() { _, err := l.Barrier.Wait(ctx); broken <- err }()
	eventually(t, "it has come", func() bool { return must(l.Barrier.Waiting(ctx)) == 1 })
	conformUsed(t, l, "barrier")
	is(t, "reset by the child", <-broken, shared.ErrBroken)
}

// T134: a child ends in order with a mutex locked. The parent gets it, is told, and unlocks it once.
func TestConformMutexOfAChildThatEnded(t *testing.T) {
	m := start(t)
	l := newLocks(m)
	conformUsed(t, l, "mutex")
	is(t, "Lock", l.Mutex.Lock(ctx), shared.ErrOwnerDied)
	ok(t, l.Mutex.Unlock(ctx))
	is(t, "a second Unlock", l.Mutex.Unlock(ctx), shared.ErrNotOwner)
	ok(t, l.Mutex.Do(ctx, func() error { return nil }))
}

// T130: what cannot be encoded is an error of who puts it, and the queue is as it was.
func TestConformItemThatCannotBeEncoded(t *testing.T) {
	q := must(manager.NewQueue[any](start(t), shared.QueueConfig{}))
	for _, item := range []any{make(chan int), func() {}, []any{1, make(chan int)}} {
		if err := q.Put(ctx, item); err == nil {
			t.Errorf("%T was put", item)
		}
	}
	ok(t, q.Put(ctx, "fine"))
	if got, n := must(q.Get(ctx)), must(q.Len(ctx)); got != "fine" || n != 0 {
		t.Errorf("%v, and %d more", got, n)
	}
}
