package main

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

var arrayGroup = group{
	name:  "array",
	about: "fill and sum of 4,194,304 float64 in an Array and in a slice, touched before, and what the first touch costs",
	open: func(r *runner) (*bench, error) {
		n, few := r.n(1<<22), r.n(1<<20)
		array, err := shared.NewArray[float64](n)
		if err != nil {
			return nil, err
		}
		slice := make([]float64, n)
		kept := []interface{ Free() error }{array} // what is freed is used again, and would be touched already
		sides := []side{
			passes("shared", array.Slice()),
			passes("slice", slice),
			{"first touch", func() (figures, error) {
				begin := time.Now()
				fresh, err := shared.NewArray[float64](few)
				if err != nil {
					return nil, err
				}
				fill(fresh.Slice(), 1)
				took := time.Since(begin)
				kept = append(kept, fresh)
				return perPage("first touch", took, fresh.Slice())
			}},
			{"first touch of a slice", func() (figures, error) {
				debug.FreeOSMemory()
				begin := time.Now()
				fresh := make([]float64, few)
				fill(fresh, 1)
				return perPage("slice first touch", time.Since(begin), fresh)
			}},
			{"another process", func() (figures, error) {
				fill(array.Slice(), 2)
				var took twice
				if err := together(inProcess(sumTwice, array, &took)); err != nil {
					return nil, err
				}
				if took.Sum != 2*float64(n) {
					return nil, errWrong
				}
				return figures{"first sum": float64(took.First) * 1e-9, "second sum": float64(took.Second) * 1e-9}, nil
			}},
		}
		return &bench{sides: sides, close: func() { free(kept...) }}, nil
	},
	lines: []line{
		{what: "sum of 4,194,304 float64 of an Array, touched before, vs a slice", ours: "shared sum", rival: "slice sum",
			unit: seconds, sense: overhead, atLeast: 1.1, stretch: 1},
		{what: "fill, likewise", ours: "shared fill", rival: "slice fill", unit: seconds, sense: overhead, atLeast: 1.1, stretch: 1},
		{what: "new Array of 1,048,576 and its first fill, per page, vs a new slice", ours: "first touch", rival: "slice first touch",
			unit: seconds, sense: overhead},
		{what: "first sum of 4,194,304 in another process vs its second", ours: "first sum", rival: "second sum", unit: seconds, sense: overhead},
	},
}

// passes is a side that fills and sums s several times.
func passes(name string, s []float64) side {
	const times = 5
	fill(s, 1) // touches it
	return side{name, func() (figures, error) {
		var filling, summing time.Duration
		for i := range times {
			v := float64(i + 1)
			begin := time.Now()
			fill(s, v)
			filled := time.Now()
			total := sum(s)
			summing += time.Since(filled)
			filling += filled.Sub(begin)
			if total != v*float64(len(s)) {
				return nil, errWrong
			}
		}
		return figures{name + " fill": filling.Seconds() / times, name + " sum": summing.Seconds() / times}, nil
	}}
}

// perPage is the share of a page in the time it took to fill s with ones.
func perPage(name string, took time.Duration, s []float64) (figures, error) {
	if sum(s) != float64(len(s)) {
		return nil, errWrong
	}
	pages := float64(8*len(s)) / float64(os.Getpagesize())
	return figures{name: took.Seconds() / pages}, nil
}

//go:noinline
func fill(s []float64, v float64) {
	for i := range s {
		s[i] = v
	}
}

//go:noinline
func sum(s []float64) float64 {
	total := 0.0
	for _, v := range s {
		total += v
	}
	return total
}

// twice is how long two sums took, one after the other, in nanoseconds, and what they yielded.
type twice struct {
	First, Second int64
	Sum           float64
}

var sumTwice = mp.Func("sumTwice", func(_ context.Context, array *shared.Array[float64]) (twice, error) {
	s := array.Slice()
	begin := time.Now()
	first := sum(s)
	middle := time.Now()
	second := sum(s)
	took := twice{int64(middle.Sub(begin)), int64(time.Since(middle)), second}
	if first != second {
		return took, errWrong
	}
	return took, nil
})
