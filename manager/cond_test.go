package manager

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-multiproc/mp/shared"
)

// A side is what one client has of a mutex and its condition.
type side struct {
	m *Mutex
	c *Cond
}

// newSides is a mutex with a condition, as each of n clients sees them.
func newSides(t *testing.T, n int) (*server, []*Manager, []side) {
	t.Helper()
	srv, clients := newClients(t, n)
	m := must(NewMutex(clients[0]))
	c := must(NewCond(clients[0], m))
	sides := []side{{m, c}}
	for _, other := range clients[1:] {
		sides = append(sides, side{seenBy(other, m), seenBy(other, c)})
	}
	return srv, clients, sides
}

// wait locks the mutex, waits once, and unlocks.
func (s side) wait(ctx context.Context) error {
	if err := s.m.Lock(background); err != nil {
		return err
	}
	err := s.c.Wait(ctx)
	return errors.Join(err, s.m.Unlock(background))
}

// F211, T051, T138: with clients and goroutines waiting, nothing wakes by itself, and each Signal wakes the one that waits longest.
func TestCondSignal(t *testing.T) {
	srv, _, sides := newSides(t, 2)
	woken := make(chan int, 4)
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			if err := sides[i%2].wait(background); err != nil {
				t.Error(err)
			}
			woken <- i
		})
		srv.awaits(t, i+1)
	}
	for i := range 4 {
		ok(t, sides[i%2].m.Lock(background))
		ok(t, sides[0].c.Signal(background, 1))
		if n := srv.waiting(); n != 4-i || len(woken) > 0 { // it waits for the mutex
			t.Errorf("%d wait", n)
		}
		ok(t, sides[i%2].m.Unlock(background))
		if got := <-woken; got != i {
			t.Errorf("%d was woken, not %d", got, i)
		}
	}
	group.Wait()
}

// T053: Signal(n) wakes so many, fewer if there are not so many, and is not stored; Broadcast wakes all.
func TestCondSignalMany(t *testing.T) {
	srv, _, sides := newSides(t, 3)
	c := sides[0].c
	var group sync.WaitGroup
	begin := func(n int) {
		for i := range n {
			group.Go(func() {
				if err := sides[i%3].wait(background); err != nil {
					t.Error(err)
				}
			})
		}
		srv.awaits(t, n)
	}
	begin(6)
	for _, n := range []int{0, -1} {
		ok(t, c.Signal(background, n))
	}
	if n := srv.waiting(); n != 6 {
		t.Errorf("%d wait", n)
	}
	ok(t, c.Signal(background, 2))
	srv.awaits(t, 4)
	ok(t, c.Signal(background, 4))
	group.Wait()
	ok(t, c.Signal(background, 3))
	ok(t, c.Broadcast(background))
	lasts(t, func(ctx context.Context) error { // T054: what was given to nobody is not there
		ok(t, sides[0].m.Lock(background))
		err := c.Wait(ctx)
		ok(t, sides[0].m.Unlock(background))
		return err
	})
	begin(5)
	ok(t, c.Broadcast(background))
	group.Wait()
}

// T055: WaitFor, in both directions.
func TestCondWaitFor(t *testing.T) {
	_, _, sides := newSides(t, 2)
	var turn atomic.Int64
	var group sync.WaitGroup
	for i, s := range sides {
		group.Go(func() {
			err := s.m.Lock(background)
			for range 200 {
				err = errors.Join(err, s.c.WaitFor(background, func() bool { return turn.Load()%2 == int64(i) }))
				turn.Add(1)
				err = errors.Join(err, s.c.Broadcast(background))
			}
			if err = errors.Join(err, s.m.Unlock(background)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := turn.Load(); n != 400 {
		t.Error(n)
	}
}

// T057: a wait that is interrupted, or too short, has the mutex all the same when it returns, and so has one that was woken.
func TestCondWaitHoldsTheMutexAfterwards(t *testing.T) {
	srv, _, sides := newSides(t, 2)
	s, other := sides[0], sides[1]
	wants(t, "Wait without the mutex", s.c.Wait(background), shared.ErrNotOwner)
	wants(t, "WaitFor without the mutex", s.c.WaitFor(background, func() bool { return true }), shared.ErrNotOwner)
	ok(t, s.m.Lock(background))
	wants(t, "Wait with another's mutex", other.c.Wait(background), shared.ErrNotOwner)
	lasts(t, s.c.Wait)
	lasts(t, func(ctx context.Context) error {
		err := s.c.WaitFor(ctx, func() bool { return false })
		if errors.Is(err, context.Canceled) { // before it asked whether the mutex is held
			ok(t, s.c.WaitFor(background, func() bool { return true }))
		}
		return err
	})

	canceled, cancel := context.WithCancel(background)
	interrupted := async(func() error { return s.c.Wait(canceled) })
	srv.awaits(t, 1)
	ok(t, other.m.Lock(background))
	cancel()
	until(t, "it waits for the mutex", func() (waits bool) {
		e := srv.find(s.m.id)
		e.with(srv, func(*[]value) { waits = e.obj.(*mutexObject).line.n == 1 })
		return waits
	})
	select {
	case err := <-interrupted:
		t.Error("it is back without the mutex: ", err)
	default:
	}
	ok(t, other.c.Signal(background, 1)) // which is none for it
	ok(t, other.m.Unlock(background))
	wants(t, "interrupted", <-interrupted, context.Canceled)
	wants(t, "another's unlock", other.m.Unlock(background), shared.ErrNotOwner)
	ok(t, s.m.Unlock(background))
}

// W34: a waiter that dies is none any more, whether it was woken or not: the wake-up goes to who is left.
func TestCondOfTheDead(t *testing.T) {
	srv, clients, sides := newSides(t, 4)
	var lost []<-chan error
	for i := 1; i < 3; i++ {
		lost = append(lost, async(func() error { return sides[i].wait(background) }))
		srv.awaits(t, i)
	}
	survivor := async(func() error { return sides[3].wait(background) })
	srv.awaits(t, 3)
	die(t, srv, clients[1]) // asleep
	ok(t, sides[0].m.Lock(background))
	ok(t, sides[0].c.Signal(background, 1)) // for the second, which waits for the mutex now
	die(t, srv, clients[2])
	srv.awaits(t, 1)
	ok(t, sides[0].m.Unlock(background))
	ok(t, <-survivor)
	for _, l := range lost {
		wants(t, "who died", <-l, ErrClosed)
	}
}

// Who is woken and finds the mutex's owner dead hears of it, and who gave up hears of both.
func TestCondMutexOfTheDead(t *testing.T) {
	srv, clients, sides := newSides(t, 3)
	for i, end := range []func(cancel func()){func(func()) { ok(t, sides[0].c.Signal(background, 1)) }, func(cancel func()) { cancel() }} {
		limited, cancel := context.WithCancel(background)
		ok(t, sides[0].m.Lock(background))
		back := async(func() error { return sides[0].c.Wait(limited) })
		srv.awaits(t, 1)
		ok(t, sides[i+1].m.Lock(background))
		end(cancel)
		die(t, srv, clients[i+1])
		err := <-back
		wants(t, "Wait", err, shared.ErrOwnerDied)
		if errors.Is(err, context.Canceled) != (i == 1) {
			t.Error(err)
		}
		ok(t, sides[0].m.Unlock(background))
		cancel()
	}
}

// A condition needs a mutex of the same server, and keeps it.
func TestNewCond(t *testing.T) {
	srv, clients := newClients(t, 1)
	_, others := newClients(t, 1)
	for what, m := range map[string]*Mutex{"nil": nil, "zero": new(Mutex), "elsewhere": must(NewMutex(others[0]))} {
		if _, err := NewCond(clients[0], m); err == nil {
			t.Errorf("a condition of a mutex that is %s", what)
		}
	}
	e := must(NewEvent(clients[0]))
	if _, err := NewCond(clients[0], &Mutex{e.proxy}); err == nil {
		t.Error("a condition of an event")
	}
	m := must(NewMutex(clients[0]))
	c := must(NewCond(clients[0], m))
	ok(t, m.Lock(background))
	clients[0].c.control.release(m.id) // as when it is collected
	lasts(t, c.Wait)
	srv.settled(t, 3)
	clients[0].c.control.release(c.id)
	clients[0].c.control.release(e.id)
	clients[0].c.settle()
	srv.settled(t, 0)
}
