package link

import (
	"context"
	"sync"
	"time"
)

// elementKey is the key under which the context of an element gives the element itself.
type elementKey struct{}

// About is what a context tells of the element that it belongs to.
type About struct {
	Handler  Handler
	Function uint32 // in the handler's numbering
	Index    int64  // in its map, or abi.NoIndex
}

// AboutElement tells which element a context belongs to, if it is that of a function or derived from it.
func AboutElement(ctx context.Context) (About, bool) {
	e, ok := ctx.Value(elementKey{}).(*element)
	if !ok {
		return About{}, false
	}
	return About{Handler: e.of.handler, Function: e.function, Index: e.index}, true
}

// ReportFraction tells the parent how far the element of this context is.
func ReportFraction(ctx context.Context, fraction float64) {
	if e, ok := ctx.Value(elementKey{}).(*element); ok {
		e.of.fractions.report(e, fraction)
	}
}

// fractionEvery is how often a worker tells how far it is, at most.
const fractionEvery = 50 * time.Millisecond

// fractions limits how often a worker tells how far it is. What comes too early is told when it is time, unless something newer
// has come, or its element has ended.
type fractions struct {
	send func(number uint64, fraction float64)

	mu      sync.Mutex
	next    time.Time // nothing is sent before
	element *element  // of the latest that waits; nil if none does
	latest  float64
}

func (f *fractions) report(e *element, fraction float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	waits := f.element != nil
	f.element, f.latest = e, fraction
	if waits {
		return
	}
	if wait := time.Until(f.next); wait > 0 {
		time.AfterFunc(wait, f.late)
		return
	}
	f.tell()
}

func (f *fractions) late() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tell()
}

// tell sends the latest. Call it with mu.
func (f *fractions) tell() {
	e := f.element
	f.element = nil
	if e.of.ended.Load() <= e.number {
		f.next = time.Now().Add(fractionEvery)
		f.send(e.number, f.latest)
	}
}
