package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-multiproc/mp"
)

var mapGroup = group{
	name:  "map",
	about: "a no-op for each element, one element per message",
	open: func(r *runner) (*bench, error) {
		pool, err := newPool(workers)
		if err != nil {
			return nil, err
		}
		in := numbers(r.n(300_000))
		sides := []side{
			elements("ours", in, func(in []int) ([]int, error) { return noopMP.Map(ctx, pool, in, mp.ChunkSize(1)) }),
			elements("channels", in, func(in []int) ([]int, error) { return overChannels(noop, 0, in) }),
			elements("channels of 128", in, func(in []int) ([]int, error) { return overChannels(noop, 128, in) }),
			elements("channels of 4096", in, func(in []int) ([]int, error) { return overChannels(noop, 4096, in) }),
			pythonSide("Pool.map(chunksize=1)", "map_single", workers, r.n(30_000)),
			pythonSide("ProcessPoolExecutor.map", "map_single_futures", workers, r.n(5_000)),
		}
		return &bench{sides: sides, close: closing(pool)}, nil
	},
	lines: []line{
		{what: "no-op Map, ChunkSize(1), vs Python Pool.map(chunksize=1)", ours: "ours", rival: "python",
			unit: perSecond, sense: speedup, atLeast: 100, stretch: 250},
		{what: "... vs ProcessPoolExecutor.map", ours: "ours", rival: "futures", unit: perSecond, sense: speedup},
		{what: "... vs 2 goroutines, unbuffered channels there and back", ours: "ours", rival: "channels",
			unit: perSecond, sense: speedup, atLeast: 0.5, stretch: 1},
		{what: "... vs 2 goroutines, channels of 128", ours: "ours", rival: "channels of 128",
			unit: perSecond, sense: speedup, atLeast: 0.5, stretch: 1},
		{what: "... vs 2 goroutines, channels of 4096", ours: "ours", rival: "channels of 4096",
			unit: perSecond, sense: speedup, atLeast: 0.5, stretch: 1},
	},
}

var batchGroup = group{
	name:  "batch",
	about: "a no-op for each element, batches as each side chooses them",
	open: func(r *runner) (*bench, error) {
		pool, err := newPool(workers)
		if err != nil {
			return nil, err
		}
		in := numbers(r.n(1_000_000))
		sides := []side{
			elements("ours", in, func(in []int) ([]int, error) { return noopMP.Map(ctx, pool, in) }),
			elements("channels of 128", in, func(in []int) ([]int, error) { return overChannels(noop, 128, in) }),
			pythonSide("Pool.map", "map_default", workers, len(in)),
		}
		return &bench{sides: sides, close: closing(pool)}, nil
	},
	lines: []line{
		{what: "no-op Map, default batching, vs Python Pool.map default", ours: "ours", rival: "python",
			unit: perSecond, sense: speedup, atLeast: 4, stretch: 15},
		{what: "... vs 2 goroutines, channels of 128, not batched", ours: "ours", rival: "channels of 128", unit: perSecond, sense: speedup},
	},
}

// elements is a side that maps the no-op and tells how many elements a second that were. It checks every result.
func elements(name string, in []int, run func([]int) ([]int, error)) side {
	warm := false
	return side{name, func() (figures, error) {
		if !warm {
			warm = true
			if _, err := run(in[:len(in)/10]); err != nil {
				return nil, err
			}
		}
		begin := time.Now()
		out, err := run(in)
		took := rate(len(in), begin)
		if err == nil && !slices.Equal(in, out) {
			err = fmt.Errorf("%s: wrong results", name)
		}
		return figures{name: took}, err
	}}
}

var efficiencyGroup = group{
	name:  "efficiency",
	about: "elements that take 10, 100 and 1000 µs by the clock: their time / (2 x the time of the map)",
	open: func(r *runner) (*bench, error) {
		pool, err := newPool(workers)
		if err != nil {
			return nil, err
		}
		var sides []side
		for _, us := range []int{10, 100, 1000} {
			in := slices.Repeat([]int{us}, max(8, r.n(600_000/us)))
			sides = append(sides,
				efficiency(fmt.Sprintf("ours %d", us), in, func(in []int) ([]int, error) { return spinMP.Map(ctx, pool, in) }),
				efficiency(fmt.Sprintf("channels %d", us), in, func(in []int) ([]int, error) { return overChannels(spin, 128, in) }))
		}
		return &bench{sides: sides, close: closing(pool)}, nil
	},
	lines: []line{
		{what: "efficiency of 2 workers, elements of 10 µs by the clock", ours: "ours 10", unit: fraction, sense: share, atLeast: 0.75, stretch: 0.88},
		{what: "... of 100 µs", ours: "ours 100", unit: fraction, sense: share, atLeast: 0.88, stretch: 0.94},
		{what: "... of 1000 µs", ours: "ours 1000", unit: fraction, sense: share, atLeast: 0.92, stretch: 0.97},
		{what: "10 µs, vs 2 goroutines, channels of 128", ours: "ours 10", rival: "channels 10", unit: fraction, sense: speedup},
		{what: "100 µs, likewise", ours: "ours 100", rival: "channels 100", unit: fraction, sense: speedup},
		{what: "1000 µs, likewise", ours: "ours 1000", rival: "channels 1000", unit: fraction, sense: speedup},
	},
}

func efficiency(name string, in []int, run func([]int) ([]int, error)) side {
	return side{name, func() (figures, error) {
		begin := time.Now()
		out, err := run(in)
		took := time.Since(begin)
		if err == nil && !slices.Equal(in, out) {
			err = fmt.Errorf("%s: wrong results", name)
		}
		work := time.Duration(len(in)*in[0]) * time.Microsecond
		return figures{name: work.Seconds() / (workers * took.Seconds())}, err
	}}
}

// By the clock, an element goes on while its worker has lost the CPU to somebody. Here it does not: what everybody spends
// on moving elements is taken from the work.
var burnGroup = group{
	name:  "burn",
	about: "elements of a fixed number of steps, about 10, 100 and 1000 µs, beside two goroutines that do half of them each",
	open: func(r *runner) (*bench, error) {
		pool, err := newPool(workers)
		if err != nil {
			return nil, err
		}
		steps := stepsPerMicrosecond()
		var sides []side
		for _, us := range []int{10, 100, 1000} {
			in := slices.Repeat([]int{us * steps}, max(8, r.n(600_000/us)))
			for _, s := range []struct {
				name string
				run  func([]int) ([]uint64, error)
			}{
				{"ours", func(in []int) ([]uint64, error) { return burnMP.Map(ctx, pool, in) }},
				{"channels", func(in []int) ([]uint64, error) { return overChannels(burn, 128, in) }},
				{"halves", func(in []int) ([]uint64, error) { return inHalves(burn, in) }},
			} {
				sides = append(sides, burning(fmt.Sprintf("%s %d", s.name, us), in, s.run))
			}
		}
		return &bench{sides: sides, close: closing(pool)}, nil
	},
	lines: []line{
		{what: "2 workers, elements of 10 µs of work, vs 2 goroutines that share nothing", ours: "ours 10", rival: "halves 10",
			unit: perSecond, sense: speedup, atLeast: 0.75, stretch: 0.88},
		{what: "... of 100 µs", ours: "ours 100", rival: "halves 100", unit: perSecond, sense: speedup, atLeast: 0.88, stretch: 0.94},
		{what: "... of 1000 µs", ours: "ours 1000", rival: "halves 1000", unit: perSecond, sense: speedup, atLeast: 0.92, stretch: 0.97},
		{what: "10 µs of work: goroutines, channels of 128, vs those", ours: "channels 10", rival: "halves 10", unit: perSecond, sense: speedup},
		{what: "100 µs, likewise", ours: "channels 100", rival: "halves 100", unit: perSecond, sense: speedup},
		{what: "1000 µs, likewise", ours: "channels 1000", rival: "halves 1000", unit: perSecond, sense: speedup},
	},
}

func burning(name string, in []int, run func([]int) ([]uint64, error)) side {
	return side{name, func() (figures, error) {
		begin := time.Now()
		out, err := run(in)
		took := rate(len(in), begin)
		want, _ := burn(ctx, in[0])
		for _, v := range out {
			if v != want {
				return nil, fmt.Errorf("%s: wrong results", name)
			}
		}
		return figures{name: took}, err
	}}
}

// stepsPerMicrosecond is how much burn does: the most of several tries, for others can only slow it down.
func stepsPerMicrosecond() int {
	const steps = 200_000
	best := time.Hour
	for range 20 {
		begin := time.Now()
		_, _ = burn(context.Background(), steps) // burn never fails
		best = min(best, time.Since(begin))
	}
	return max(1, int(steps/max(1, best.Microseconds())))
}

func numbers(n int) []int {
	in := make([]int, n)
	for i := range in {
		in[i] = i
	}
	return in
}

// closing ends a pool; that it ended badly says nothing about the figures.
func closing(pool *mp.Pool) func() { return func() { _ = pool.Close() } }
