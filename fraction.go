package mp

import (
	"context"

	"github.com/go-multiproc/mp/internal/link"
)

// ReportProgress tells how far the function with this context is, from 0 to 1. It arrives as an Event of the Kind "fraction" at
// the pool's Observer and the map's Observe, and never after the "finish" of the same element. At most 20 in a second are sent
// for each worker, so call it as often as is convenient: the latest is sent when it is time, unless the function has returned.
// It does not wait, and elsewhere than in a function it does nothing.
func ReportProgress(ctx context.Context, fraction float64) { link.ReportFraction(ctx, fraction) }
