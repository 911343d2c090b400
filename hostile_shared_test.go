//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// useShared uses objects of every kind in the arena that is attacked, some made before and some meanwhile. Each goroutine goes round until its
// object is of no more use. A call that ends long after its context is a failure; one that has none may stay where it is, as the
// documentation says.
func useShared(fail func(string, ...any)) (report func() string) {
	var calls, failed, frees atomic.Int64
	limited := func(what string, do func(ctx context.Context) error) {
		c, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
		defer cancel()
		over := make(chan struct{})
		go func() {
			select {
			case <-over:
			case <-time.After(time.Minute):
				fail("%s: it goes on a minute after its context", what)
			}
		}()
		calls.Add(1)
		if do(c) != nil {
			failed.Add(1)
		}
		close(over)
	}
	for _, kind := range sharedKinds {
		for _, once := range []bool{true, false} {
			use, free, err := kind.make()
			if err != nil {
				fail("%s: %v", kind.name, err)
				continue
			}
			go func() {
				for round := 0; ; round++ {
					limited(kind.name, guarded(use))
					if once || round%20 > 0 {
						continue
					}
					calls.Add(1)
					_ = guarded(func(context.Context) error { return free() })(ctx)
					next, nextFree, err := kind.make()
					if frees.Add(1); err == nil { // else the old one is told to be gone
						use, free = next, nextFree
					}
				}
			}()
		}
	}
	return func() string {
		return fmt.Sprintf("%d uses of shared objects, of which %d failed, and %d made anew", calls.Load(), failed.Load(), frees.Load())
	}
}

// guarded makes an error of the panics that methods have instead of one.
func guarded(do func(context.Context) error) func(context.Context) error {
	return func(c context.Context) (err error) {
		defer func() {
			if v := recover(); v != nil {
				if e, ok := v.(error); !ok || !errors.Is(e, mp.ErrClosed) && !errors.Is(e, mp.ErrDetached) {
					panic(v)
				}
				err = mp.ErrClosed
			}
		}()
		return do(c)
	}
}

type use = func(context.Context) error

// sharedKinds make an object and what is done with it.
var sharedKinds = []struct {
	name string
	make func() (use, func() error, error)
}{
	{"Mutex", func() (use, func() error, error) {
		m, err := shared.NewMutex()
		return func(c context.Context) error { return m.Do(c, func() error { _ = m.String(); return nil }) }, m.Free, err
	}},
	{"RMutex", func() (use, func() error, error) {
		m, err := shared.NewRMutex()
		return func(c context.Context) error {
			held, err := m.Lock(c)
			if err != nil {
				return err
			}
			return m.Unlock(held)
		}, m.Free, err
	}},
	{"RWMutex", func() (use, func() error, error) {
		m, err := shared.NewRWMutex()
		return func(c context.Context) error {
			if err := m.RLock(c); err != nil {
				return err
			}
			_ = m.String()
			err := m.RUnlock()
			if lerr := m.Lock(c); lerr == nil {
				err = m.Unlock()
			}
			return err
		}, m.Free, err
	}},
	{"Semaphore", func() (use, func() error, error) {
		s, err := shared.NewBoundedSemaphore(2)
		return func(c context.Context) error {
			if err := s.Acquire(c); err != nil {
				return err
			}
			_, _ = s.Value(), s.String()
			return s.Release()
		}, s.Free, err
	}},
	{"Event", func() (use, func() error, error) {
		e, err := shared.NewEvent()
		return func(c context.Context) error { return errors.Join(e.Set(), e.Wait(c), e.Clear()) }, e.Free, err
	}},
	{"Barrier", func() (use, func() error, error) {
		b, err := shared.NewBarrier(2)
		return func(c context.Context) error {
			_, err := b.Wait(c)
			_, _ = b.Waiting(), b.String()
			return errors.Join(err, b.Reset())
		}, b.Free, err
	}},
	{"Cond", func() (use, func() error, error) {
		m, err := shared.NewMutex()
		if err != nil {
			return nil, nil, err
		}
		d, err := shared.NewCond(m)
		return func(c context.Context) error {
			return m.Do(c, func() error { return errors.Join(d.Wait(c), d.Signal(1), d.Broadcast()) })
		}, func() error { return errors.Join(d.Free(), m.Free()) }, err
	}},
	{"WaitGroup", func() (use, func() error, error) {
		w, err := shared.NewWaitGroup()
		return func(c context.Context) error { return errors.Join(w.Add(1), w.Done(), w.Wait(c)) }, w.Free, err
	}},
	{"Value", func() (use, func() error, error) {
		v, err := shared.NewValue([4]int{})
		return func(context.Context) error { v.Store([4]int{1}); _ = v.Load(); return nil }, v.Free, err
	}},
	{"Array", func() (use, func() error, error) {
		a, err := shared.NewArray[int](1000)
		return func(c context.Context) error {
			wire, err := a.MarshalBinary()
			if err != nil {
				return err
			}
			var again shared.Array[int]
			if err := again.UnmarshalBinary(wire); err != nil {
				return err
			}
			return again.Mutex().Do(c, func() error { again.Set(999, again.At(0)+1); return nil })
		}, a.Free, err
	}},
	{"Queue", func() (use, func() error, error) {
		q, err := shared.NewQueue[string](shared.QueueConfig{Capacity: 3})
		return func(c context.Context) error {
			_ = q.String()
			err := errors.Join(q.Put(c, string(pattern(100))), q.Put(c, ""))
			if _, gerr := q.Get(c); gerr != nil {
				return errors.Join(err, gerr)
			}
			d, terr := q.Take(c)
			if terr != nil {
				return errors.Join(err, terr)
			}
			return errors.Join(err, d.Return(), func() error { _, err := q.TryGet(); return err }())
		}, q.Free, err
	}},
}
