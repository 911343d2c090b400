package shared_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-multiproc/mp/shared"
)

// A blocked call is one that waits for what does not come until it is let.
type blocked struct {
	call  func(ctx context.Context) error
	let   func() error // lets it succeed, after which call does, once
	after func() error // undoes what the call that succeeded did
}

func nothing() error { return nil }

// blockedCalls are all calls that wait, each before something that another process has, or that has not come.
func blockedCalls(t *testing.T) map[string]blocked {
	t.Helper()
	calls := make(map[string]blocked)
	by := func(h held) func() error {
		other := holding(t, h)
		return func() error { other.release(); return nil }
	}
	m := fresh(shared.NewMutex())(t)
	calls["Mutex.Lock"] = blocked{m.Lock, by(held{Mutex: m, How: "mutex"}), m.Unlock}
	do := fresh(shared.NewMutex())(t)
	calls["Mutex.Do"] = blocked{func(ctx context.Context) error { return do.Do(ctx, nothing) }, by(held{Mutex: do, How: "mutex"}), nothing}
	r := fresh(shared.NewRMutex())(t)
	calls["RMutex.Lock"] = blocked{
		func(ctx context.Context) error {
			mine, err := r.Lock(ctx)
			if err == nil {
				err = r.Unlock(mine)
			}
			return err
		},
		by(held{RMutex: r, How: "rmutex"}), nothing,
	}
	w := fresh(shared.NewRWMutex())(t)
	calls["RWMutex.Lock"] = blocked{w.Lock, by(held{RWMutex: w, How: "read"}), w.Unlock}
	rw := fresh(shared.NewRWMutex())(t)
	calls["RWMutex.RLock"] = blocked{rw.RLock, by(held{RWMutex: rw, How: "write"}), rw.RUnlock}
	s := fresh(shared.NewBoundedSemaphore(1))(t)
	calls["Semaphore.Acquire"] = blocked{s.Acquire, by(held{Semaphore: s, How: "semaphore"}), s.Release}
	u := fresh(shared.NewSemaphore(0))(t)
	calls["Semaphore.Acquire, not bounded"] = blocked{u.Acquire, u.Release, nothing}
	e := fresh(shared.NewEvent())(t)
	calls["Event.Wait"] = blocked{e.Wait, e.Set, e.Clear}
	g := fresh(shared.NewWaitGroup())(t)
	ok(t, g.Add(1))
	calls["WaitGroup.Wait"] = blocked{g.Wait, g.Done, func() error { return g.Add(1) }}
	v := fresh(shared.NewValue(1))(t)
	ok(t, v.Mutex().Lock(ctx))
	calls["Value.Update"] = blocked{
		func(ctx context.Context) error { _, err := v.Update(ctx, func(v int) int { return v + 1 }); return err },
		v.Mutex().Unlock,
		func() error {
			if v.Load() != 2 {
				return errors.New("Update was not called once")
			}
			return nil
		},
	}
	a := fresh(shared.NewArray[int](1))(t)
	ok(t, a.Mutex().Lock(ctx))
	calls["Array.Mutex.Lock"] = blocked{a.Mutex().Lock, a.Mutex().Unlock, a.Mutex().Unlock}
	queueCalls(t, calls)
	return calls
}

func queueCalls(t *testing.T, calls map[string]blocked) {
	t.Helper()
	full := fresh(shared.NewQueue[int](shared.QueueConfig{Capacity: 1}))(t)
	ok(t, full.Put(ctx, 1))
	get := func() error { _, err := full.TryGet(); return err }
	calls["Queue.Put"] = blocked{func(ctx context.Context) error { return full.Put(ctx, 1) }, get, func() error {
		if err := get(); err != nil || full.Len() != 0 {
			return fmt.Errorf("%w, %v: a Put that gave up has put", err, full)
		}
		return nil
	}}
	for name, get := range map[string]func(context.Context, *shared.Queue[int]) error{
		"Queue.Get": func(ctx context.Context, q *shared.Queue[int]) error { _, err := q.Get(ctx); return err },
		"Queue.Take": func(ctx context.Context, q *shared.Queue[int]) error {
			d, err := q.Take(ctx)
			if err == nil {
				err = d.Ack()
			}
			return err
		},
		"Queue.All": func(ctx context.Context, q *shared.Queue[int]) error {
			for _, err := range q.All(ctx) {
				return err
			}
			return nil
		},
	} {
		q := fresh(shared.NewQueue[int](shared.QueueConfig{}))(t)
		calls[name] = blocked{func(ctx context.Context) error { return get(ctx, q) }, func() error { return q.Put(ctx, 1) }, func() error {
			if q.Len() != 0 {
				return errors.New("it took nothing")
			}
			return nil
		}}
	}
	joined := fresh(shared.NewQueue[int](shared.QueueConfig{}))(t)
	ok(t, joined.Put(ctx, 1))
	calls["Queue.Join"] = blocked{joined.Join, joined.TaskDone, nothing}
}

// T035, T050, W42: every call that waits ends with its context, with its error, and has then done nothing: the next one succeeds as soon as it
// can, once.
func TestContexts(t *testing.T) {
	noLeaks(t)
	for name, b := range blockedCalls(t) {
		t.Run(name, func(t *testing.T) {
			lasts(t, b.call)
			canceled, cancel := context.WithCancelCause(ctx)
			cancel(errors.New("a cause"))
			wants(t, "before", b.call(canceled), context.Canceled)
			during, stop := context.WithCancel(ctx)
			time.AfterFunc(time.Millisecond, stop)
			wants(t, "during", b.call(during), context.Canceled)

			// Several that give up while others wait on.
			success := make(chan error)
			go func() { success <- b.call(ctx) }()
			errs := make(chan error)
			for i := range 4 {
				limited, cancel := context.WithTimeout(ctx, time.Duration(i)*time.Millisecond)
				defer cancel()
				go func() { errs <- b.call(limited) }()
			}
			for range 4 {
				wants(t, "beside others", <-errs, context.DeadlineExceeded)
			}
			ok(t, b.let())
			ok(t, <-success)
			ok(t, b.after())
		})
	}
}
