package mp

import (
	"context"
	"fmt"

	"github.com/go-multiproc/mp/internal/codec"
	"github.com/go-multiproc/mp/internal/engine"
)

// Broadcast runs f with in once on every worker of pool, between two elements, and on every worker that is started later, after
// Init and before its first element: as when a program's settings have changed. When it returns nil every worker of the pool has run
// it; a worker that was killed before it had has a successor that did. The result is nobody's business.
//
// Concurrent Broadcasts run in one order, which is that of all workers. Of several Broadcasts of one function that went well only the
// last is kept for workers that come later, in its place in the order. On such a worker a failure is like one of Init: it fails
// the pool.
//
// If f fails on a worker, or ends it, the error tells which, of each such worker (see errors.Join); then in is not kept, and who has run it has. The
// same holds when ctx ends: Broadcast returns its error at once, cancels f where it runs, and kills those workers that do not heed it
// within Grace. An argument that moves, such as an end of a pipe, cannot be everywhere and is an error.
func (f *Function[In, Out]) Broadcast(ctx context.Context, pool *Pool, in In) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b, index, err := f.backend(pool)
	if err != nil {
		return err
	}
	moves := codec.Moves()
	arg, err := f.encode(in)
	if err != nil {
		return err
	}
	if what := codec.MovedInto(arg, moves); what != nil {
		codec.GiveUp(what)
		return fmt.Errorf("mp: Broadcast of %s: its argument holds something that can be in one process only", f.name)
	}
	return b.Engine.Broadcast(ctx, func() *engine.Job {
		return &engine.Job{Function: f.name, Func: index, Arg: arg, Grace: b.Grace, Abort: func(*engine.Failure) {}}
	}, func(r engine.Result) error {
		if err := remoteError(r, f.name, -1); err != nil {
			return fmt.Errorf("mp: Broadcast of %s: worker %d: %w", f.name, r.Worker, err)
		}
		return nil
	})
}
