package link

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/side"
)

// elements is the contexts of the elements that one worker runs, one after the other. Most functions never ask theirs for
// anything, so an element costs a number until one does: whether it has ended, or was cancelled, follows from two
// words. A real context is made when Done is asked for.
type elements struct {
	base      context.Context
	handler   Handler
	fractions side.Limiter
	number    uint64        // of the next; owner: who runs elements
	of        *origin       // of the next; likewise
	left      *element      // that ended, and is not settled; likewise
	ended     atomic.Uint64 // elements with a lower number have ended
	cancel    atomic.Uint64 // number of the last that was cancelled, plus one, and the cause in the lowest byte
	slab      []element     // to be used
	mu        sync.Mutex    // held to make or cancel a real context
	latest    *element      // guarded by mu: the one with the last real context
}

// origin is what the elements of one map have in common.
type origin struct {
	*elements

	function uint32
	seeded   bool
	seed     uint64
}

// element is the context of one element.
type element struct {
	of       *origin
	number   uint64 // of all that were begun here
	index    int64  // in its map, or abi.NoIndex
	deadline int64  // in nanoseconds since start, 0 for none
	real     atomic.Pointer[realContext]
}

// realContext is what only an element needs whose function asks its context for more than an error or the index.
type realContext struct {
	context.Context
	stop context.CancelFunc
	rand *rand.Rand // guarded by elements.mu; nil until it is asked for
}

// start makes deadlines small numbers that keep the monotonic clock.
var start = time.Now()

// next tells of which map the next elements are.
func (s *elements) next(function uint32, seeded bool, seed uint64) {
	if s.of == nil || s.of.function != function || s.of.seeded != seeded || s.of.seed != seed {
		s.of = &origin{s, function, seeded, seed}
	}
}

// begin makes the context of the next element.
func (s *elements) begin(index int64, timeout time.Duration) *element {
	if len(s.slab) == 0 {
		s.slab = make([]element, 64)
	}
	e := &s.slab[0]
	s.slab = s.slab[1:]
	e.of, e.number, e.index = s.of, s.number, index
	s.number++
	if timeout > 0 {
		e.deadline = int64(time.Since(start) + timeout)
	}
	return e
}

// beginAll makes the context of the next n elements, which run together. It is that of the first: who cancels one of them, cancels
// the first.
func (s *elements) beginAll(n int, index int64, timeout time.Duration) *element {
	e := s.begin(index, timeout)
	s.number += uint64(n - 1)
	return e
}

// Nth is the context of the k-th of the elements that run together with ctx, which is the context of the first as a Handler got it.
func Nth(ctx context.Context, k int) context.Context {
	e, ok := ctx.(*element)
	if !ok || k == 0 {
		return ctx
	}
	n := &nth{element: e, own: element{of: e.of, number: e.number, index: e.index + int64(k)}}
	n.own.real.Store(&realContext{Context: e, stop: func() {}}) // else it would be taken for the one that is to be cancelled
	return n
}

// nth is the context of an element with an index of its own.
type nth struct {
	*element

	own element
}

// Value implements context.Context.
func (n *nth) Value(key any) any {
	if key == (elementKey{}) {
		return &n.own
	}
	return n.element.Value(key)
}

// end ends an element's context when its function has returned, as every server does: what it left running should stop. settle
// must follow.
func (s *elements) end(e *element) {
	osenv.StoreRelease(&s.ended, e.number+1)
	if s.left = e; e.real.Load() != nil {
		s.settle()
	}
}

// settle stops the real context of the element that ended last, if what it left running makes one just now: either that sees that
// the element has ended, or the context is found here. Call it after a store by sync/atomic that came after end.
func (s *elements) settle() {
	if s.left == nil {
		return
	}
	if r := s.left.real.Load(); r != nil {
		r.stop()
	}
	s.left = nil
}

// cancelled cancels the context of the element with this number, if it runs or is still to come.
func (s *elements) cancelled(number uint64, cause uint8) {
	s.cancel.Store((number+1)<<8 | uint64(cause))
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.latest; e != nil && e.number == number {
		e.real.Load().stop()
	}
}

// why is the error of the element's context as its two words tell it.
func (e *element) why() error {
	if c := e.of.cancel.Load(); c>>8 == e.number+1 {
		if uint8(c) == abi.CauseTimeout {
			return context.DeadlineExceeded
		}
		return context.Canceled
	}
	if e.of.ended.Load() > e.number {
		return context.Canceled
	}
	return nil
}

// context makes the real context. Both words are looked at after it can be found, so who sets one of them just then
// either finds it or is seen here.
func (e *element) context() *realContext {
	if r := e.real.Load(); r != nil {
		return r
	}
	s := e.of
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := e.real.Load(); r != nil {
		return r
	}
	r := new(realContext)
	r.Context, r.stop = context.WithCancel(s.base)
	e.real.Store(r)
	if s.latest == nil || s.latest.number < e.number {
		s.latest = e
	}
	if e.why() != nil {
		r.stop()
	}
	return r
}

// Deadline implements context.Context.
func (e *element) Deadline() (time.Time, bool) {
	return start.Add(time.Duration(e.deadline)), e.deadline != 0
}

// Done implements context.Context.
func (e *element) Done() <-chan struct{} { return e.context().Done() }

// Err implements context.Context. The time is up when the parent says so, not when the deadline passes: else a function
// could return its own error just before its call is told to have timed out.
func (e *element) Err() error {
	r := e.real.Load()
	if r == nil {
		return e.why()
	}
	err := r.Err()
	if err != nil && e.why() != nil {
		return e.why()
	}
	return err
}

// Value implements context.Context. It does not tell of the real context, so that package context asks for Err here, which
// knows that a time was up, and for AfterFunc.
func (e *element) Value(key any) any {
	if key == (elementKey{}) {
		return e
	}
	return e.of.base.Value(key)
}

// AfterFunc is what package context calls for contexts derived from this one, so that they need no goroutine.
func (e *element) AfterFunc(f func()) func() bool { return context.AfterFunc(e.context(), f) }
