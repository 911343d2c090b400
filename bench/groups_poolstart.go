package main

import (
	"errors"
	"time"
)

var poolStartGroup = group{
	name:  "pool",
	about: "from nothing to the first result of a pool of 2",
	open: func(r *runner) (*bench, error) {
		return &bench{sides: []side{
			{"ours", func() (figures, error) {
				return lives("ours", r.n(20), func() (time.Duration, error) { return poolToResult(workers) })
			}},
			pythonSide("Pool, spawn", "pool_spawn", workers, r.n(5)),
			pythonSide("Pool, forkserver", "pool_forkserver", workers, r.n(10)),
			pythonSide("Pool, fork", "pool_fork", workers, r.n(20)),
			pythonSide("ProcessPoolExecutor", "pool_futures", workers, r.n(20)),
		}}, nil
	},
	lines: []line{
		{what: "NewPool of 2 workers to the first result, vs Python Pool by spawn", ours: "ours", rival: "spawn", unit: seconds, sense: timesUp},
		{what: "... vs Pool by forkserver", ours: "ours", rival: "forkserver", unit: seconds, sense: timesUp},
		{what: "... vs Pool by fork", ours: "ours", rival: "fork", unit: seconds, sense: timesUp},
		{what: "... vs ProcessPoolExecutor by fork", ours: "ours", rival: "futures", unit: seconds, sense: timesUp},
	},
}

// poolToResult is the time from nothing to the first result of a pool. That it ends is not counted.
func poolToResult(workers int) (time.Duration, error) {
	begin := time.Now()
	pool, err := newPool(workers)
	if err != nil {
		return 0, err
	}
	v, err := noopMP.Call(ctx, pool, 7)
	took := time.Since(begin)
	if err == nil && v != 7 {
		err = errWrong
	}
	return took, errors.Join(err, pool.Close())
}
