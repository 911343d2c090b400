// Package probe is where package mptest reaches into this module. Its variables are set in package initialization, if at all:
// where nobody imports mptest, or shared, nothing is asked and nothing is told.
package probe

import (
	"context"

	"github.com/go-multiproc/mp/internal/ring"
)

// Elements is set by package mptest. A worker process calls it before it serves, and what it returns, if anything, before each
// element that its pool was given, on the goroutine that runs the element: Init, Exit and what else a pool runs of its own are none.
// wake wakes the parent if it sleeps.
var Elements func(c *ring.Channel, wake func()) func(ctx context.Context)

// Memory is set by package shared. It tells how many objects the family's memory holds, and their bytes.
var Memory func() (objects, bytes int64)
