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

// useShared uses objects of every kind in the arena that is attacked, some made before and some meanwhile. What a use comes to is not
// known, and it may never end: that nothing ends this process is the point.
func useShared(fail func(string, ...any)) (report func() string) {
	var uses, failed, renewed atomic.Int64
	for _, kind := range sharedKinds {
		for _, once := range []bool{true, false} {
			use, free, err := kind.make()
			if err != nil {
				fail("%s: %v", kind.name, err)
				continue
			}
			go func() {
				for round := range time.Tick(200 * time.Microsecond) { // the pool is to have its turn, too
					c, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
					if uses.Add(1); guarded(use)(c) != nil {
						failed.Add(1)
					}
					cancel()
					if once || round.Nanosecond()%16 > 0 {
						continue
					}
					_ = guarded(func(context.Context) error { return free() })(ctx)
					next, nextFree, err := kind.make()
					if renewed.Add(1); err == nil { // else the old one is told to be gone
						use, free = next, nextFree
					}
				}
			}()
		}
	}
	return func() string {
		return fmt.Sprintf("%d uses of shared objects, of which %d failed, and %d made anew", uses.Load(), failed.Load(), renewed.Load())
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
		return func(c context.Context) error { return m.Do(c, func() error { _ = m.String(); return nil }) }, func() error { return m.Free() }, err
	}},
	{"RMutex", func() (use, func() error, error) {
		m, err := shared.NewRMutex()
		return func(c context.Context) error {
			held, err := m.Lock(c)
			if err != nil {
				return err
			}
			return m.Unlock(held)
		}, func() error { return m.Free() }, err
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
		}, func() error { return m.Free() }, err
	}},
	{"Semaphore", func() (use, func() error, error) {
		s, err := shared.NewBoundedSemaphore(2)
		return func(c context.Context) error {
			if err := s.Acquire(c); err != nil {
				return err
			}
			_, _ = s.Value(), s.String()
			return s.Release()
		}, func() error { return s.Free() }, err
	}},
	{"Event", func() (use, func() error, error) {
		e, err := shared.NewEvent()
		return func(c context.Context) error { return errors.Join(e.Set(), e.Wait(c), e.Clear()) }, func() error { return e.Free() }, err
	}},
	{"Barrier", func() (use, func() error, error) {
		b, err := shared.NewBarrier(2)
		return func(c context.Context) error {
			_, err := b.Wait(c)
			_, _ = b.Waiting(), b.String()
			return errors.Join(err, b.Reset())
		}, func() error { return b.Free() }, err
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
		return func(c context.Context) error { return errors.Join(w.Add(1), w.Done(), w.Wait(c)) }, func() error { return w.Free() }, err
	}},
	{"Value", func() (use, func() error, error) {
		v, err := shared.NewValue([4]int{})
		return func(context.Context) error { v.Store([4]int{1}); _ = v.Load(); return nil }, func() error { return v.Free() }, err
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
		}, func() error { return a.Free() }, err
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
		}, func() error { return q.Free() }, err
	}},
}
