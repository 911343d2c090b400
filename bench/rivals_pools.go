//go:build rivals

package main

import (
	"context"
	"errors"
	"sync"

	"github.com/alitto/pond/v2"
	"github.com/panjf2000/ants/v2"
	"github.com/sourcegraph/conc/iter"
	concpool "github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"
)

// A poolRival maps by goroutines of this process, as many as there are workers, with the results in order and no error lost.
type poolRival[In, Out any] func(fn func(context.Context, In) (Out, error), in []In) ([]Out, error)

func poolRivals[In, Out any]() map[string]poolRival[In, Out] {
	return map[string]poolRival[In, Out]{
		poolAnts:     overAnts[In, Out],
		poolPond:     overPond[In, Out],
		poolConc:     overConcPool[In, Out],
		poolConcIter: overConcIter[In, Out],
		poolErrgroup: overErrgroup[In, Out],
		poolChannels: func(fn func(context.Context, In) (Out, error), in []In) ([]Out, error) {
			return overChannels(fn, 128, in)
		},
	}
}

// overAnts has one pool for one function, PoolWithFuncGeneric, which its documentation names for many calls of the same; it needs no
// closure for each. The argument is the index; a WaitGroup tells when all have come. Invoke waits for a free worker.
func overAnts[In, Out any](fn func(context.Context, In) (Out, error), in []In) ([]Out, error) {
	out, errs := make([]Out, len(in)), make([]error, len(in))
	var left sync.WaitGroup
	p, err := ants.NewPoolWithFuncGeneric(workers, func(i int) {
		defer left.Done()
		out[i], errs[i] = fn(ctx, in[i])
	})
	if err != nil {
		return nil, err
	}
	defer p.Release()
	for i := range in {
		left.Add(1)
		if err := p.Invoke(i); err != nil {
			left.Done()
			errs[i] = err
		}
	}
	left.Wait()
	return out, errors.Join(errs...)
}

// overPond is a ResultPool with a group, which gives the results in the order in which the tasks were submitted, and the first error.
func overPond[In, Out any](fn func(context.Context, In) (Out, error), in []In) ([]Out, error) {
	p := pond.NewResultPool[Out](workers)
	defer p.StopAndWait()
	group := p.NewGroup()
	for _, v := range in {
		group.SubmitErr(func() (Out, error) { return fn(ctx, v) })
	}
	return group.Wait()
}

// overConcPool is an ErrorPool whose tasks put their results in place: those of its ResultPool come in any order. Go waits for a free goroutine.
func overConcPool[In, Out any](fn func(context.Context, In) (Out, error), in []In) ([]Out, error) {
	out := make([]Out, len(in))
	p := concpool.New().WithMaxGoroutines(workers).WithErrors()
	for i, v := range in {
		p.Go(func() (err error) {
			out[i], err = fn(ctx, v)
			return err
		})
	}
	return out, p.Wait()
}

// overConcIter is a Mapper, which its documentation names for this: each goroutine takes the next index from an atomic counter.
func overConcIter[In, Out any](fn func(context.Context, In) (Out, error), in []In) ([]Out, error) {
	return iter.Mapper[In, Out]{MaxGoroutines: workers}.MapErr(in, func(v *In) (Out, error) { return fn(ctx, *v) })
}

// overErrgroup starts a goroutine for each element, when there is room for one more.
func overErrgroup[In, Out any](fn func(context.Context, In) (Out, error), in []In) ([]Out, error) {
	out := make([]Out, len(in))
	var g errgroup.Group
	g.SetLimit(workers)
	for i, v := range in {
		g.Go(func() (err error) {
			out[i], err = fn(ctx, v)
			return err
		})
	}
	return out, g.Wait()
}
