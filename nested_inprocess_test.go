//go:build linux

package mp_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/go-multiproc/mp"
)

// ownExecutor is where nestedSum calls itself; nil in a worker, which has its own memory.
var ownExecutor mp.Executor

// nestedSum adds up the numbers to n, and asks the executor that it runs on for those to n-1, in many ways.
var nestedSum *mp.Function[mp.Args2[string, int], int]

// nestedParts is nestedSum as a Reduction: the sum of nestedSum of each.
var nestedParts *mp.Reduction[mp.Args2[string, int], int]

func init() { // their bodies use their own variables
	nestedSum = mp.Func2("nestedSum", func(ctx context.Context, how string, n int) (int, error) {
		if n == 0 {
			return 0, nil
		}
		next := mp.Pack2(how, n-1)
		switch how {
		case "Call":
			v, err := nestedSum.Call(ctx, ownExecutor, next)
			return v + n, err
		case "Go":
			a, b := nestedSum.Go(ctx, ownExecutor, next), nestedSum.Go(ctx, ownExecutor, mp.Pack2(how, 0))
			derived, stop := context.WithCancel(ctx)
			defer stop()
			v, err := a.Wait(derived)
			if err != nil {
				return 0, err
			}
			w, err := b.Wait(derived)
			return v + w + n, err
		case "Map":
			vs, err := nestedSum.Map(ctx, ownExecutor, []mp.Args2[string, int]{next, mp.Pack2(how, 0)})
			if err != nil {
				return 0, err
			}
			return vs[0] + vs[1] + n, nil
		case "Stream":
			for v, err := range nestedSum.Stream(ctx, ownExecutor, slices.Values([]mp.Args2[string, int]{next, mp.Pack2(how, 0)})) {
				if n += v; err != nil {
					return 0, err
				}
			}
			return n, nil
		case "Reduce":
			v, err := nestedParts.Reduce(ctx, ownExecutor, slices.Values([]mp.Args2[string, int]{next, mp.Pack2(how, 0)}))
			return v + n, err
		}
		return 0, fmt.Errorf("unknown %s", how)
	})
	nestedParts = mp.Reducer("nestedParts", func(ctx context.Context, in mp.Args2[string, int]) (int, error) {
		return nestedSum.Call(ctx, ownExecutor, in)
	}, func(_ context.Context, a, b int) (int, error) { return a + b, nil })
}

// W31, F098: functions that wait for others on their own executor are no deadlock, though all of them wait, and leave no goroutines.
func TestNestedCallsInProcess(t *testing.T) {
	for _, workers := range []int{1, 2} {
		x := mp.InProcess(workers)
		ownExecutor = x
		before := 0
		for range 3 {
			for _, how := range []string{"Call", "Go", "Map", "Stream", "Reduce"} {
				const depth = 8
				in := slices.Repeat([]mp.Args2[string, int]{mp.Pack2(how, depth)}, 5)
				for _, v := range mustMap(t, nestedSum, x, in) {
					if v != depth*(depth+1)/2 {
						t.Errorf("%s with %d goroutines: %d", how, workers, v)
					}
				}
			}
			if before == 0 {
				eventually(t, "those that took somebody's place have ended", func() bool {
					n := runtime.NumGoroutine()
					defer func() { before = n }()
					return n == before
				})
			}
		}
		eventually(t, "no more goroutines than before", func() bool { return runtime.NumGoroutine() <= before })
	}
}

// W31: a worker that is a process has its own memory, and so no way to its parent's pool.
func TestNestedCallsInAPool(t *testing.T) {
	noLeaks(t)
	ownExecutor = newPool(t, mp.PoolConfig{Workers: 1})
	if _, err := nestedSum.Call(ctx, ownExecutor, mp.Pack2("Call", 1)); err == nil {
		t.Error("a worker has called its parent's pool")
	}
}

// defaultPool tells how many workers a pool has by default, and how many CPUs each of them has.
var defaultPool = mp.Func("defaultPool", func(ctx context.Context, _ int) ([2]int, error) {
	pool, err := mp.NewPool(mp.PoolConfig{})
	if err != nil {
		return [2]int{}, err
	}
	defer pool.Close()
	procs, err := gomaxprocs.Call(ctx, pool, 0)
	return [2]int{len(pool.Workers()), procs}, err
})

var gomaxprocs = mp.Func("gomaxprocs", func(context.Context, int) (int, error) { return runtime.GOMAXPROCS(0), nil })

// W31: a worker's own pool has as many workers as the worker has CPUs, not as the machine has.
func TestNestedPoolsShareTheCPUs(t *testing.T) {
	noLeaks(t)
	for _, procs := range []int{1, 3} {
		pool := newPool(t, mp.PoolConfig{Workers: 1, MaxProcs: procs})
		if got, err := defaultPool.Call(ctx, pool, 0); got != [2]int{min(procs, mp.CPUCount()), 1} || err != nil {
			t.Errorf("with %d CPUs: %v, %v", procs, got, err)
		}
	}
}
