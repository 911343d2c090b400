package link

import (
	"context"
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
	return About{Handler: e.of.handler, Function: e.of.function, Index: e.index}, true
}

// fractionEvery is how often a worker tells how far it is, at most.
const fractionEvery = time.Second / 20

// ReportFraction tells the parent how far the element of this context is.
func ReportFraction(ctx context.Context, fraction float64) {
	if e, ok := ctx.Value(elementKey{}).(*element); ok {
		e.of.fractions.Report(e.number, fraction)
	}
}

// tellFractions makes fractions of elements that have not ended go to send.
func (s *elements) tellFractions(send func(number uint64, fraction float64)) {
	s.fractions.Every = fractionEvery
	s.fractions.Send = func(number uint64, fraction float64) {
		if s.ended.Load() <= number {
			send(number, fraction)
		}
	}
}
