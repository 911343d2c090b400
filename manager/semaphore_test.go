package manager

import (
	"errors"
	"sync"
	"testing"

	"github.com/go-multiproc/mp/shared"
)

// F210, T049, T137: down and up to 2, and no further than it is bounded.
func TestSemaphores(t *testing.T) {
	_, clients := newClients(t, 1)
	for name, create := range map[string]func(*Manager, int) (*Semaphore, error){"plain": NewSemaphore, "bounded": NewBoundedSemaphore} {
		s := must(create(clients[0], 2))
		value := func(want int) {
			t.Helper()
			if n := must(s.Value(background)); n != want {
				t.Errorf("%s: %d are free, not %d", name, n, want)
			}
		}
		ok(t, s.Acquire(background))
		if taken := must(s.TryAcquire(background)); !taken {
			t.Errorf("%s: the second is not free", name)
		}
		value(0)
		if taken := must(s.TryAcquire(background)); taken {
			t.Errorf("%s: a third was free", name)
		}
		lasts(t, s.Acquire) // T050
		ok(t, s.Release(background))
		value(1)
		ok(t, s.Release(ended())) // what is given back is given back
		value(2)
		if err := s.Release(background); name == "bounded" {
			wants(t, "beyond the bound", err, shared.ErrBound)
			value(2)
		} else {
			ok(t, err)
			value(3)
		}
		_, err := create(clients[0], -1)
		wants(t, name, err, shared.ErrBound)
	}
}

// Who waits longest has the next; a bounded permit is given back by its holder only.
func TestSemaphoreInOrder(t *testing.T) {
	srv, clients := newClients(t, 2)
	s := must(NewBoundedSemaphore(clients[0], 1))
	other := seenBy(clients[1], s)
	ok(t, s.Acquire(background))
	wants(t, "another's permit", other.Release(background), shared.ErrBound)
	order := make(chan int, 4)
	var group sync.WaitGroup
	for i := range 4 {
		mine := seenBy(clients[i%2], s)
		group.Go(func() {
			err := mine.Acquire(background)
			order <- i
			if err = errors.Join(err, mine.Release(background)); err != nil {
				t.Error(err)
			}
		})
		srv.awaits(t, i+1)
	}
	ok(t, s.Release(background))
	for i := range 4 {
		if got := <-order; got != i {
			t.Errorf("%d was the next, not %d", got, i)
		}
	}
	group.Wait()
}

// W34: bounded permits of who is gone come back, and go to those who wait; others are gone.
func TestSemaphoreOfTheDead(t *testing.T) {
	srv, clients := newClients(t, 3)
	bounded, plain := must(NewBoundedSemaphore(clients[0], 3)), must(NewSemaphore(clients[0], 3))
	for _, s := range []*Semaphore{bounded, plain} {
		doomed := seenBy(clients[1], s)
		for range 3 {
			ok(t, doomed.Acquire(background))
		}
	}
	waits := async(func() error { return bounded.Acquire(background) })
	srv.awaits(t, 1)
	die(t, srv, clients[1])
	ok(t, <-waits)
	if b, p := must(bounded.Value(background)), must(plain.Value(background)); b != 2 || p != 0 {
		t.Errorf("%d and %d are free", b, p)
	}
	ok(t, seenBy(clients[2], plain).Release(background)) // anyone may
	ok(t, plain.Acquire(background))
}
