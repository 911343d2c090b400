package pipe

import (
	"context"
	"errors"
	"sync"
)

// A Waitable is something that is ready at some time: a connection or listener for which there is something, the end and what
// was closed included; a process that has ended; an event that is set.
type Waitable interface {
	// AwaitReady waits until it is ready, and consumes nothing; or until ctx ends, and returns its error. With a ctx that has ended
	// already it does not wait: it returns nil if it is ready now.
	AwaitReady(ctx context.Context) error
}

// Wait waits until at least one of them is ready, and returns all that are, in the order of the arguments. If ctx ends first,
// it returns ctx's error; one that has ended already makes it look without waiting. Nothing is consumed: what is ready stays
// so until somebody receives it. Of none, none is ever ready.
func Wait(ctx context.Context, of ...Waitable) ([]Waitable, error) {
	ready := make([]bool, len(of))
	if some, err := look(of, ready); some != nil || err != nil {
		return some, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := awaitAny(ctx, of, ready); err != nil {
		return nil, err
	}
	// Those that became ready since somebody was are ready, too.
	some, err := look(of, ready)
	if some == nil && err == nil {
		err = ctx.Err()
	}
	return some, err
}

// hasEnded is a context that has ended.
var hasEnded = func() context.Context {
	ctx, end := context.WithCancel(context.Background())
	end()
	return ctx
}()

// look returns those that are ready, or are marked as such.
func look(of []Waitable, ready []bool) (some []Waitable, err error) {
	for i, w := range of {
		if !ready[i] {
			err := w.AwaitReady(hasEnded)
			if err != nil && !errors.Is(err, context.Canceled) {
				return nil, err
			}
			ready[i] = err == nil
		}
		if ready[i] {
			some = append(some, w)
		}
	}
	return some, nil
}

// awaitAny waits until one of them is ready, or ctx ends, and marks those that were.
func awaitAny(ctx context.Context, of []Waitable, ready []bool) error {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, len(of))
	var all sync.WaitGroup
	for i, w := range of {
		all.Go(func() {
			errs[i] = w.AwaitReady(waiting)
			stop()
		})
	}
	<-waiting.Done()
	all.Wait()
	for i, err := range errs {
		if err != nil && !errors.Is(err, waiting.Err()) {
			return err
		}
		ready[i] = err == nil
	}
	return nil
}
