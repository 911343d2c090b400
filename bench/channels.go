package main

import "context"

// overChannels is how a Go program would do what Map does: goroutines take elements from a channel, and each result goes
// back, with its index and its error, over another, to the caller, who puts it in its place. Both channels have room for
// buffer elements. As with Map, no element shares a message with another.
func overChannels[In, Out any](fn func(context.Context, In) (Out, error), buffer int, in []In) ([]Out, error) {
	return channelsOf(workers, fn, buffer, in)
}

// channelsOf is the same with so many goroutines.
func channelsOf[In, Out any](goroutines int, fn func(context.Context, In) (Out, error), buffer int, in []In) ([]Out, error) {
	type element struct {
		index int
		value In
	}
	type result struct {
		index int
		value Out
		err   error
	}
	elements, results := make(chan element, buffer), make(chan result, buffer)
	for range goroutines {
		go func() {
			for e := range elements {
				v, err := fn(ctx, e.value)
				results <- result{e.index, v, err}
			}
		}()
	}
	go func() {
		for i, v := range in {
			elements <- element{i, v}
		}
		close(elements)
	}()
	out := make([]Out, len(in))
	var failed error
	for range in {
		r := <-results
		out[r.index] = r.value
		if r.err != nil {
			failed = r.err
		}
	}
	return out, failed
}

// inHalves is the same work with no communication at all: the best that so many goroutines can do.
func inHalves[In, Out any](fn func(context.Context, In) (Out, error), in []In) ([]Out, error) {
	out := make([]Out, len(in))
	errs := make(chan error)
	for w := range workers {
		go func() {
			var failed error
			for i := len(in) * w / workers; i < len(in)*(w+1)/workers; i++ {
				v, err := fn(ctx, in[i])
				out[i] = v
				if err != nil {
					failed = err
				}
			}
			errs <- failed
		}()
	}
	var failed error
	for range workers {
		if err := <-errs; err != nil {
			failed = err
		}
	}
	return out, failed
}
