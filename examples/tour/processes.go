package main

import (
	"context"
	"fmt"

	"github.com/go-multiproc/mp"
)

// A crew is processes that run the same function.
type crew[Out any] []*mp.Process[Out]

// startAll starts a process of f for each of the arguments.
func startAll[In, Out any](ctx context.Context, f *mp.Function[In, Out], args ...In) (crew[Out], error) {
	var c crew[Out]
	for _, arg := range args {
		p, err := f.Start(ctx, arg)
		if err != nil {
			c.close()
			return nil, err
		}
		c = append(c, p)
	}
	return c, nil
}

// wait waits for all and returns their results, in their order. It does not wait for who waits for one that failed.
func (c crew[Out]) wait(ctx context.Context) ([]Out, error) {
	results := make([]Out, len(c))
	ended := make(chan error, len(c))
	for i, p := range c {
		go func() {
			result, err := p.Wait(ctx)
			if err != nil {
				err = fmt.Errorf("%s: %w", p.Name(), err)
			}
			results[i] = result
			ended <- err
		}()
	}
	for range c {
		if err := <-ended; err != nil {
			return nil, err
		}
	}
	return results, nil
}

// close kills those that still run.
func (c crew[Out]) close() {
	for _, p := range c {
		end(p)
	}
}

// end kills a process, if it still runs.
func end[Out any](p *mp.Process[Out]) { _ = p.Close() }

// together runs f in a process for each of the arguments, all at the same time.
func together[In, Out any](ctx context.Context, f *mp.Function[In, Out], args ...In) ([]Out, error) {
	c, err := startAll(ctx, f, args...)
	if err != nil {
		return nil, err
	}
	defer c.close()
	return c.wait(ctx)
}

// free returns the memory of a shared object. What it misses, the end of the tour finds.
func free(object interface{ Free() error }) { _ = object.Free() }
