package engine

import (
	"context"
	"time"
)

// A Backend is where calls run, as an executor hands it to the calls: an engine, and what holds for calls that say nothing
// themselves.
type Backend struct {
	Engine  *Engine
	Workers int
	Index   func(function any) (uint32, bool) // of a registered function in the workers' registry
	Timeout time.Duration
	Grace   time.Duration
	Retries int
	RetryIf func(error) bool
	// Observed: somebody is told of every event.
	Observed bool
	Window   int
	Bytes    int64  // of results that may wait to be collected
	Lease    *Lease // whose worker runs the calls; nil: any of the engine's
	// Waiting, if set, is told that whoever has ctx waits for elements, until it calls done: it may be one itself.
	Waiting func(ctx context.Context) (done func())
}
