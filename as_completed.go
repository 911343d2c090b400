package mp

import (
	"context"
	"iter"
)

// AsCompleted yields the outcome of each of several calls once, with its index, as they end, and first of those that have ended. Whoever
// wants the first only, or all up to the first failure, leaves the loop; the other calls go on. When ctx ends, each call that has not ended
// yields that error, and goes on as well. Calls with results of different types can be waited for by a select over their Done.
func AsCompleted[Out any](ctx context.Context, futures ...*Future[Out]) iter.Seq2[int, Result[Out]] {
	return func(yield func(int, Result[Out]) bool) {
		give := func(i int) bool {
			v, err := futures[i].Wait(ctx)
			if err != nil {
				err = &ElementError{Index: i, Err: err}
			}
			return yield(i, Result[Out]{v, err})
		}
		var rest []int
		for i, f := range futures {
			if !f.ended() {
				rest = append(rest, i)
			} else if !give(i) {
				return
			}
		}
		ended := make(chan int, len(rest)) // with room for all: a loop that was left holds nobody up
		for _, i := range rest {
			futures[i].Then(func(Out, error) { ended <- i })
		}
		given := make([]bool, len(futures))
		for range rest {
			select {
			case i := <-ended:
				if given[i] = true; !give(i) {
					return
				}
			case <-ctx.Done():
				for _, i := range rest {
					if !given[i] && !give(i) {
						return
					}
				}
				return
			}
		}
	}
}
