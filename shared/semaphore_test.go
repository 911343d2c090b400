package shared_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

type permitted struct {
	Semaphore *shared.Semaphore
	Inside    *shared.Value[int64]
	Most      int64
	Times     int
}

// within counts how many are inside.
var within = mp.Func("within", func(ctx context.Context, p permitted) (most int64, err error) {
	for range p.Times {
		if err := p.Semaphore.Acquire(ctx); err != nil {
			return 0, err
		}
		n := shared.Add(p.Inside, 1)
		most = max(most, n)
		shared.Add(p.Inside, -1)
		if err := p.Semaphore.Release(); err != nil {
			return 0, err
		}
		if n > p.Most {
			return 0, fmt.Errorf("%d were inside", n)
		}
	}
	return most, nil
})

func TestSemaphoreLimits(t *testing.T) {
	for name, create := range map[string]func(int) (*shared.Semaphore, error){
		"bounded": shared.NewBoundedSemaphore, "unbounded": shared.NewSemaphore,
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, where venue) {
				p := permitted{fresh(create(2))(t), fresh(shared.NewValue(int64(0)))(t), 2, 2000}
				everywhere(t, where, within, p, p, p, p)
				if p.Semaphore.Value() != 2 {
					t.Errorf("afterwards: %v", p.Semaphore)
				}
			})
		})
	}
}

// T049: down to 0 and up again; a permit too many is an error, and so is another's.
func TestBoundedSemaphoreBounds(t *testing.T) {
	noLeaks(t)
	s := fresh(shared.NewBoundedSemaphore(2))(t)
	value := func(want int) {
		t.Helper()
		if s.Value() != want {
			t.Errorf("%v, want %d free", s, want)
		}
	}
	value(2)
	ok(t, s.Acquire(ctx))
	value(1)
	ok(t, s.Acquire(ctx))
	value(0)
	taken, err := s.TryAcquire()
	if taken || err != nil {
		t.Errorf("a third permit of two: %v, %v", taken, err)
	}
	if want := fmt.Sprintf("(0 of 2 free; 2 held by process %d, this one)", os.Getpid()); !strings.HasSuffix(s.String(), want) {
		t.Errorf("%v, want %s", s, want)
	}
	ok(t, s.Release())
	value(1)
	ok(t, s.Release())
	value(2)
	wants(t, "a third release of two", s.Release(), shared.ErrBound)
	value(2)
	other := holding(t, held{Semaphore: s, How: "semaphore"})
	if want := fmt.Sprintf("(1 of 2 free; 1 held by process %d)", other.PID()); !strings.HasSuffix(s.String(), want) {
		t.Errorf("%v, want %s", s, want)
	}
	wants(t, "release of another's permit", s.Release(), shared.ErrBound)
	other.release()
	value(2)
}

// Anyone may release one that is not bounded, and more than there were.
func TestSemaphoreIsNobodys(t *testing.T) {
	noLeaks(t)
	s := fresh(shared.NewSemaphore(0))(t)
	for range 3 {
		ok(t, s.Release())
	}
	if s.Value() != 3 || !strings.HasSuffix(s.String(), "(3 free)") {
		t.Error(s)
	}
	other := holding(t, held{Semaphore: s, How: "semaphore", Times: 3})
	ok(t, s.Release()) // in its place
	ok(t, s.Acquire(ctx))
	other.release()
	if s.Value() != 3 {
		t.Error(s)
	}
}

// T050: not to wait is not to wait; to wait with a limit takes that long.
func TestSemaphoreTimeout(t *testing.T) {
	noLeaks(t)
	for _, n := range []int{-1, -1 << 62} {
		_, err := shared.NewSemaphore(n)
		wants(t, fmt.Sprint(n, " permits"), err, shared.ErrBound)
		_, err = shared.NewBoundedSemaphore(n)
		wants(t, fmt.Sprint(n, " permits, bounded"), err, shared.ErrBound)
	}
	s := fresh(shared.NewSemaphore(0))(t)
	if taken, err := s.TryAcquire(); taken || err != nil {
		t.Errorf("a permit of none: %v, %v", taken, err)
	}
	lasts(t, func(ctx context.Context) error { return s.Acquire(ctx) })
	ok(t, s.Release())
	ok(t, s.Acquire(ctx)) // who gave up has taken nothing
}

// W04: permits of a bounded one come back from the dead, and what others have is untouched.
func TestSemaphoreOfTheDead(t *testing.T) {
	noLeaks(t)
	s := fresh(shared.NewBoundedSemaphore(3))(t)
	ok(t, s.Acquire(ctx))
	ok(t, holding(t, held{Semaphore: s, How: "semaphore", Times: 2}).Kill())
	ok(t, s.Acquire(ctx)) // waits for the news
	ok(t, s.Acquire(ctx))
	if s.Value() != 0 {
		t.Error(s)
	}
	for range 3 {
		ok(t, s.Release())
	}
	wants(t, "a fourth release", s.Release(), shared.ErrBound)

	lost := fresh(shared.NewSemaphore(3))(t)
	holding(t, held{Semaphore: lost, How: "semaphore", Times: 2}).die()
	if lost.Value() != 1 {
		t.Errorf("permits of nobody came back: %v", lost)
	}
}

var acquireAndLeave = mp.Func("acquireAndLeave", func(ctx context.Context, s *shared.Semaphore) (int, error) {
	return s.Value(), errors.Join(s.Acquire(ctx), s.Acquire(ctx))
})

// A process that ends in order and has not given back is dead as well.
func TestSemaphoreOfWhoLeft(t *testing.T) {
	noLeaks(t)
	s := fresh(shared.NewBoundedSemaphore(2))(t)
	for range 3 {
		if free := resultOf(t, start(t, acquireAndLeave, s)); free != 2 {
			t.Errorf("%d were free", free)
		}
	}
}
