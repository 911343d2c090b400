package mp

import (
	"context"

	"github.com/go-multiproc/mp/internal/link"
)

// ElementIndex is the index of the element that a function runs for, in the input of its Map, Results or Stream: that of the
// *ElementError, if it fails, and the same when it is tried again. ctx is the function's context or one derived from it, also
// after the function has returned. Everywhere else it is -1 and false: in a Call, a Go and a Start, which have no
// elements, in Init and Exit, and outside a function. In a Chunked function it is the index of the batch's first element.
func ElementIndex(ctx context.Context) (int, bool) {
	e, ok := link.AboutElement(ctx)
	if !ok || e.Index < 0 {
		return -1, false
	}
	return int(e.Index), true
}
