package manager

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-multiproc/mp/shared"
)

// F209, T042: in each way to lock it, one at a time has it.
func TestMutexExcludes(t *testing.T) {
	_, clients := newClients(t, 3)
	m := must(NewMutex(clients[0]))
	var inside, sum atomic.Int64
	add := func() error {
		if inside.Add(1) != 1 {
			t.Error("two have it")
		}
		n := sum.Load()
		runtime.Gosched()
		sum.Store(n + 1)
		inside.Add(-1)
		return nil
	}
	lock := []func(m *Mutex) error{
		func(m *Mutex) error {
			err := m.Lock(background)
			return errors.Join(err, add(), m.Unlock(background))
		},
		func(m *Mutex) error { return m.Do(background, add) },
		func(m *Mutex) error {
			for {
				taken, err := m.TryLock(background)
				if taken {
					return errors.Join(err, add(), m.Unlock(background))
				}
				if err != nil {
					return err
				}
			}
		},
	}
	var group sync.WaitGroup
	for i := range 6 {
		mine := seenBy(clients[i%3], m)
		group.Go(func() {
			for n := range 50 {
				if err := lock[n%3](mine); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if sum.Load() != 300 || must(m.Locked(background)) {
		t.Error(sum.Load(), must(m.Locked(background)))
	}
}

// T134, H23: any goroutine of the owner may unlock, once; another process may not.
func TestMutexBelongsToTheProcess(t *testing.T) {
	_, clients := newClients(t, 2)
	m := must(NewMutex(clients[0]))
	other := seenBy(clients[1], m)
	wants(t, "unlock of a free mutex", m.Unlock(background), shared.ErrNotOwner)
	ok(t, m.Lock(background))
	if !must(other.Locked(background)) {
		t.Error("nobody has it")
	}
	for _, p := range []*Mutex{m, other} {
		if taken, err := p.TryLock(background); taken || err != nil {
			t.Errorf("TryLock of a mutex that is held: %v, %v", taken, err)
		}
	}
	wants(t, "unlock of another's mutex", other.Unlock(background), shared.ErrNotOwner)
	ok(t, <-async(func() error { return m.Unlock(background) }))
	wants(t, "a second unlock", m.Unlock(background), shared.ErrNotOwner)
	if taken, err := other.TryLock(background); !taken || err != nil {
		t.Errorf("TryLock of a free mutex: %v, %v", taken, err)
	}
}

// Who waits longest is the next, and a second Lock of the owner waits as well.
func TestMutexInOrder(t *testing.T) {
	srv, clients := newClients(t, 3)
	m := must(NewMutex(clients[0]))
	ok(t, m.Lock(background))
	order := make(chan int, 6)
	var group sync.WaitGroup
	for i := range 6 {
		mine := seenBy(clients[i%3], m)
		group.Go(func() {
			err := mine.Lock(background)
			order <- i
			if err = errors.Join(err, mine.Unlock(background)); err != nil {
				t.Error(err)
			}
		})
		srv.awaits(t, i+1)
	}
	ok(t, m.Unlock(background))
	for i := range 6 {
		if got := <-order; got != i {
			t.Errorf("%d was the next, not %d", got, i)
		}
	}
	group.Wait()
}

// W34: the lock of a client that is gone is told to the next owner, who has it then, until somebody has unlocked it; and who
// does not look at the state does not get it.
func TestMutexOfTheDead(t *testing.T) {
	srv, clients := newClients(t, 3)
	m := must(NewMutex(clients[0]))
	doomed := seenBy(clients[1], m)
	ok(t, doomed.Lock(background))
	got := async(func() error { return m.Lock(background) })
	srv.awaits(t, 1)
	late := seenBy(clients[2], m)
	waits := async(func() error { return late.Lock(background) })
	srv.awaits(t, 2)
	die(t, srv, clients[1])
	wants(t, "who waited", <-got, shared.ErrOwnerDied)
	ok(t, m.Unlock(background))
	ok(t, <-waits)
	die(t, srv, clients[2])
	for range 2 {
		wants(t, "Do", m.Do(background, func() error { t.Error("it was called"); return nil }), shared.ErrOwnerDied)
		if must(m.Locked(background)) {
			t.Error("refused, and held")
		}
	}
	if taken, err := m.TryLock(background); !taken || !errors.Is(err, shared.ErrOwnerDied) {
		t.Error("TryLock", taken, err)
	}
	ok(t, m.Unlock(background))
	ok(t, m.Do(background, func() error { return nil }))
}

// One that waits and dies leaves nothing behind.
func TestMutexWaiterDies(t *testing.T) {
	srv, clients := newClients(t, 2)
	m := must(NewMutex(clients[0]))
	ok(t, m.Lock(background))
	doomed := seenBy(clients[1], m)
	lost := async(func() error { return doomed.Lock(background) })
	srv.awaits(t, 1)
	die(t, srv, clients[1])
	wants(t, "who died", <-lost, ErrClosed)
	srv.awaits(t, 0)
	ok(t, m.Unlock(background))
	ok(t, m.Lock(background))
	ok(t, m.Unlock(background))
}

// Do gives the mutex back however its function ends, and whatever becomes of the context.
func TestMutexDo(t *testing.T) {
	_, clients := newClients(t, 1)
	m := must(NewMutex(clients[0]))
	own := errors.New("own")
	wants(t, "Do", m.Do(background, func() error { return own }), own)
	func() {
		defer func() {
			if v := recover(); v != "own" {
				t.Errorf("the panic became %v", v)
			}
		}()
		_ = m.Do(background, func() error { panic("own") })
	}()
	canceled, cancel := context.WithCancel(background)
	ok(t, m.Do(canceled, func() error { cancel(); return nil }))
	wants(t, "Do that unlocks", m.Do(background, func() error { return m.Unlock(background) }), shared.ErrNotOwner)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = m.Do(background, func() error { runtime.Goexit(); return nil })
	}()
	<-gone
	if must(m.Locked(background)) {
		t.Error("still held")
	}
}

// W42: whenever a context ends, a lock is had or it is not: none is lost on its way to who has left.
func TestLocksAndContexts(t *testing.T) {
	srv, clients := newClients(t, 3)
	m, rw := must(NewMutex(clients[0])), must(NewRWMutex(clients[0]))
	s := must(NewBoundedSemaphore(clients[0], 1))
	var group sync.WaitGroup
	for i := range 6 {
		m, rw, s := seenBy(clients[i%3], m), seenBy(clients[i%3], rw), seenBy(clients[i%3], s)
		group.Go(func() {
			locks := []struct {
				take, give func(context.Context) error
			}{{m.Lock, m.Unlock}, {rw.Lock, rw.Unlock}, {rw.RLock, rw.RUnlock}, {s.Acquire, s.Release}}
			for n := range 200 {
				l := locks[n%len(locks)]
				limited, cancel := context.WithTimeout(background, time.Duration(rand.IntN(300))*time.Microsecond)
				err := l.take(limited)
				if err == nil {
					err = l.give(limited) // which may have ended meanwhile
				} else if errors.Is(err, context.DeadlineExceeded) {
					err = nil
				}
				if err != nil {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	group.Wait()
	if n := srv.waiting(); n > 0 {
		t.Errorf("%d calls wait", n)
	}
	for _, taken := range []bool{must(m.TryLock(background)), must(rw.TryLock(background)), must(s.TryAcquire(background))} {
		if !taken {
			t.Error("something is held")
		}
	}
}
