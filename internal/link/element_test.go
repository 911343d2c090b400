package link

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

func newElements() *elements {
	s := &elements{base: context.Background()}
	s.next(0, false, 0)
	return s
}

func isDone(c context.Context) bool {
	select {
	case <-c.Done():
		return true
	default:
		return false
	}
}

// An element's context, and what is derived from it, tell the same whether it is asked before or after its end.
func TestElementEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(*elements, *element)
		want error
	}{
		{"returned", func(s *elements, e *element) { s.end(e) }, context.Canceled},
		{"cancelled", func(s *elements, e *element) { s.cancelled(e.number, abi.CauseCancel) }, context.Canceled},
		{"timed out", func(s *elements, e *element) { s.cancelled(e.number, abi.CauseTimeout) }, context.DeadlineExceeded},
	} {
		for _, asked := range []bool{true, false} {
			s := newElements()
			s.end(s.begin(-1, 0)) // some other came before
			e := s.begin(-1, time.Hour)
			if e.Err() != nil {
				t.Errorf("%s: it has ended at its beginning: %v", c.name, e.Err())
			}
			var derived context.Context
			var stop context.CancelFunc
			if asked {
				derived, stop = context.WithTimeout(e, time.Minute)
				if isDone(e) || isDone(derived) || e.Err() != nil {
					t.Errorf("%s: done at its beginning", c.name)
				}
			}
			c.end(s, e)
			if !asked {
				derived, stop = context.WithTimeout(e, time.Minute)
			}
			<-e.Done()
			<-derived.Done()
			if !errors.Is(e.Err(), c.want) || !errors.Is(derived.Err(), c.want) || !errors.Is(context.Cause(derived), c.want) {
				t.Errorf("%s, asked before: %v: %v, derived: %v, %v", c.name, asked, e.Err(), derived.Err(), context.Cause(derived))
			}
			stop()
			next := s.begin(-1, 0)
			if isDone(next) || next.Err() != nil {
				t.Errorf("%s: the next element has ended: %v", c.name, next.Err())
			}
		}
	}
}

// A cancellation may come before its element does.
func TestElementCancelledBeforeItBegins(t *testing.T) {
	s := newElements()
	s.cancelled(1, abi.CauseTimeout)
	if first := s.begin(-1, 0); isDone(first) || first.Err() != nil {
		t.Errorf("the wrong element is cancelled: %v", first.Err())
	}
	if second := s.begin(-1, 0); !isDone(second) || !errors.Is(second.Err(), context.DeadlineExceeded) {
		t.Errorf("it is not: %v", second.Err())
	}
}

func TestElementDeadline(t *testing.T) {
	s := newElements()
	if d, ok := s.begin(-1, 0).Deadline(); ok {
		t.Errorf("a deadline of %v", d)
	}
	before := time.Now()
	d, ok := s.begin(-1, time.Minute).Deadline()
	if left := d.Sub(before); !ok || left < time.Minute || left > time.Minute+time.Since(before) {
		t.Errorf("a deadline in %v, %v", left, ok)
	}
}

// Done that is first asked for just when the element ends, or is cancelled, is closed all the same.
func TestElementDoneRacesItsEnd(t *testing.T) {
	s := newElements()
	for range 20_000 {
		e := s.begin(-1, 0)
		var wg sync.WaitGroup
		wg.Go(func() { <-e.Done() })
		wg.Go(func() { s.cancelled(e.number, abi.CauseCancel) })
		if e.number%2 == 0 {
			wg.Go(func() { <-e.Done() })
		}
		s.end(e)
		wg.Wait()
	}
}

// The same if all that happens is that it ends, and then something is stored: only then is it sure.
func TestElementDoneRacesItsSettling(t *testing.T) {
	s := newElements()
	var store atomic.Uint32
	for range 20_000 {
		e := s.begin(-1, 0)
		var wg sync.WaitGroup
		wg.Go(func() { <-e.Done() })
		if e.number%2 == 0 {
			wg.Go(func() { <-e.Done() })
		}
		s.end(e)
		store.Add(1)
		s.settle()
		wg.Wait()
	}
}

// Of elements that run together each has an index of its own, and the context of the first.
func TestElementsTogether(t *testing.T) {
	s := newElements()
	first := s.beginAll(3, 7, time.Hour)
	third := Nth(first, 2)
	if about, ok := AboutElement(third); about.Index != 9 || !ok {
		t.Errorf("the third of those from 7 on has the index %d", about.Index)
	}
	if Nth(first, 0) != context.Context(first) || Nth(t.Context(), 2) != t.Context() {
		t.Error("a context became another without need")
	}
	if r := Rand(third); r == Rand(first) || r != Rand(third) {
		t.Error("each has one stream of its own, it does not")
	}
	derived, stop := context.WithCancel(third)
	defer stop()
	s.cancelled(first.number, abi.CauseTimeout)
	<-derived.Done()
	if !errors.Is(third.Err(), context.DeadlineExceeded) || !errors.Is(derived.Err(), context.DeadlineExceeded) {
		t.Errorf("%v, derived: %v", third.Err(), derived.Err())
	}
	if next := s.begin(10, 0); next.number != first.number+3 || next.Err() != nil {
		t.Errorf("the next is number %d, %v", next.number, next.Err())
	}
}
