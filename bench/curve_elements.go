package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-multiproc/mp"
)

var elementsCurve = group{
	name:   "curve-elements",
	about:  "time for each element of a Map of no-ops, 10 to 10,000,000 elements, 2 workers; Python up to 100,000 with chunksize=1",
	apart:  true,
	rounds: 5,
	open: func(r *runner) (*bench, error) {
		pool, err := newPool(workers)
		if err != nil {
			return nil, err
		}
		var sides []side
		ns := r.growing(10, 10, 10_000_000)
		all := numbers(slices.Max(ns))
		for _, n := range ns {
			in, rounds := all[:n], costly(n, 1_000_000)
			add := func(s side) { sides = append(sides, atMost(rounds, s)) }
			add(perElement("default", in, func(in []int) ([]int, error) { return noopMP.Map(ctx, pool, in) }))
			add(perElement("single", in, func(in []int) ([]int, error) { return noopMP.Map(ctx, pool, in, mp.ChunkSize(1)) }))
			add(perElement("channels", in, func(in []int) ([]int, error) { return overChannels(noop, 128, in) }))
			add(pythonCurve("Pool.map", n, "map_elements", workers, n, mapsOf(n, 100_000), 0))
			if n <= 100_000 {
				add(pythonCurve("Pool.map(chunksize=1)", n, "map_elements", workers, n, mapsOf(n, 5_000), 1))
			}
		}
		return &bench{sides: sides, close: closing(pool)}, nil
	},
	charts: []chart{{
		file: "elements", title: "Map of no-ops, 2 workers: time for each element",
		x: axis{label: "elements", unit: count}, y: axis{label: "time / elements", unit: seconds},
		series: []series{
			{"mp, default batches", "default", oursMain},
			{"mp, ChunkSize(1)", "single", oursToo},
			{"2 goroutines, channels of 128", "channels", goroutinesKind},
			{"Python Pool.map", "map 0", pythonKind},
			{"Python Pool.map(chunksize=1)", "map 1", pythonToo},
		},
	}},
}

// mapsOf is how many maps of n elements are as much work as that many elements, within reason.
func mapsOf(n, elements int) int { return min(2_000, max(1, elements/n)) }

// perElement is a side that maps as often as that makes sense, and tells how long an element takes.
func perElement(name string, in []int, run func([]int) ([]int, error)) side {
	n, maps := len(in), mapsOf(len(in), 200_000)
	return side{at(name, n), func() (figures, error) {
		for range maps/10 + 1 {
			if _, err := run(in[:min(n, 100_000)]); err != nil {
				return nil, err
			}
		}
		var out []int
		begin := time.Now()
		for range maps {
			var err error
			if out, err = run(in); err != nil {
				return nil, err
			}
		}
		took := time.Since(begin)
		if !slices.Equal(in, out) {
			return nil, fmt.Errorf("%s: %w", name, errWrong)
		}
		return figures{at(name, n): took.Seconds() / float64(maps*n)}, nil
	}}
}

// pythonCurve is a side of Python's, for the point of its curves at x.
func pythonCurve(name string, x int, what string, args ...int) side {
	return side{at("Python "+name, x), func() (figures, error) {
		f, err := pythonModule("curves", what, args...)
		return renamed(f, x), err
	}}
}
