package main

import (
	"slices"

	"github.com/go-multiproc/mp"
)

var asyncGroup = group{
	name:  "async",
	about: "a no-op for each element: all handed over, and then all waited for; and results in the order in which they are ready",
	open: func(r *runner) (*bench, error) {
		pool, err := newPool(workers)
		if err != nil {
			return nil, err
		}
		sides := []side{
			elements("Go", numbers(r.n(100_000)), func(in []int) ([]int, error) { return goAndWait(pool, in) }),
			elements("Results", numbers(r.n(100_000)), func(in []int) ([]int, error) { return fromResults(pool, in) }),
			pythonSide("Pool.apply_async", "async_calls", workers, r.n(20_000)),
			pythonSide("ProcessPoolExecutor.submit", "futures", workers, r.n(5_000)),
			pythonSide("Pool.imap_unordered", "unordered", workers, r.n(20_000)),
		}
		return &bench{sides: sides, close: closing(pool)}, nil
	},
	lines: []line{
		{what: "no-op by Go, all, and then Wait for all, vs Python Pool.apply_async", ours: "Go", rival: "apply_async", unit: perSecond, sense: speedup},
		{what: "... vs ProcessPoolExecutor.submit", ours: "Go", rival: "submit", unit: perSecond, sense: speedup},
		{what: "no-op by Results, ChunkSize(1), vs Pool.imap_unordered", ours: "Results", rival: "imap_unordered", unit: perSecond, sense: speedup},
	},
}

func goAndWait(pool *mp.Pool, in []int) ([]int, error) {
	futures := make([]*mp.Future[int], len(in))
	for i, v := range in {
		futures[i] = noopMP.Go(ctx, pool, v)
	}
	out := make([]int, len(in))
	var failed error
	for i, f := range futures {
		v, err := f.Wait(ctx)
		out[i] = v
		if err != nil {
			failed = err
		}
	}
	return out, failed
}

// fromResults puts each result in its place when it comes.
func fromResults(pool *mp.Pool, in []int) ([]int, error) {
	out := make([]int, len(in))
	var failed error
	for i, r := range noopMP.Results(ctx, pool, slices.Values(in), mp.ChunkSize(1)) {
		out[i] = r.Value
		if r.Err != nil {
			failed = r.Err
		}
	}
	return out, failed
}
