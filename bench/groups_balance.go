package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/go-multiproc/mp"
)

// Loads whose elements differ a hundredfold. The ideal is half of the sum, for two workers. Elements that take their time by the clock go on while
// their worker has lost the CPU, so on a busy machine both sides end late, the goroutines, which share one channel without a buffer, as well.
var balanceGroup = group{
	name:  "balance",
	about: "skewed loads by the clock on 2 workers: the time of the map / half of the sum of its elements",
	open: func(r *runner) (*bench, error) {
		pool, err := newPool(workers)
		if err != nil {
			return nil, err
		}
		rare := make([]int, r.n(10_000)) // 2 % of 5 ms among 20 µs, at places that are the same in every run
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range rare {
			if rare[i] = 20; rng.IntN(50) == 0 {
				rare[i] = 5000
			}
		}
		pattern := []int{1, 2, 1, 10, 3, 1, 4, 10, 1, 2, 1, 5}
		var mixed []int
		for range max(2, r.n(20)) {
			for _, ms := range pattern {
				mixed = append(mixed, ms*1000)
			}
		}
		first, last := slices.Clone(rare), slices.Clone(rare)
		slices.Sort(last)
		slices.Sort(first)
		slices.Reverse(first)
		var sides []side
		for _, load := range []struct {
			name string
			in   []int
		}{{"rare", rare}, {"mixed", mixed}, {"first", first}, {"last", last}} {
			sides = append(sides,
				makespan("ours "+load.name, load.in, func(in []int) ([]int, error) { return spinMP.Map(ctx, pool, in) }),
				makespan("chunks "+load.name, load.in, func(in []int) ([]int, error) { return spinMP.Map(ctx, pool, in, mp.ChunkSize(100)) }),
				makespan("channel "+load.name, load.in, func(in []int) ([]int, error) { return overChannels(spin, 0, in) }))
		}
		return &bench{sides: sides, close: closing(pool)}, nil
	},
	lines: []line{
		{what: "2 % of 5 ms among 20 µs: makespan / ideal", ours: "ours rare", unit: fraction, sense: limit, atLeast: 1.1, stretch: 1.05},
		{what: "1, 2, 1, 10, 3, 1, 4, 10 ... ms, likewise", ours: "ours mixed", unit: fraction, sense: limit, atLeast: 1.1, stretch: 1.05},
		{what: "the 5 ms first, likewise", ours: "ours first", unit: fraction, sense: limit, atLeast: 1.1, stretch: 1.05},
		{what: "the 5 ms last, likewise", ours: "ours last", unit: fraction, sense: limit, atLeast: 1.1, stretch: 1.05},
		{what: "2 % of 5 ms, ChunkSize(100), likewise", ours: "chunks rare", unit: fraction, sense: limit},
		{what: "1, 2, 1, 10 ... ms, ChunkSize(100), likewise", ours: "chunks mixed", unit: fraction, sense: limit},
		{what: "2 % of 5 ms, vs 2 goroutines, unbuffered channels", ours: "ours rare", rival: "channel rare", unit: fraction, sense: overhead},
		{what: "1, 2, 1, 10 ... ms, likewise", ours: "ours mixed", rival: "channel mixed", unit: fraction, sense: overhead},
		{what: "the 5 ms first, likewise", ours: "ours first", rival: "channel first", unit: fraction, sense: overhead},
		{what: "the 5 ms last, likewise", ours: "ours last", rival: "channel last", unit: fraction, sense: overhead},
	},
}

// makespan is a side that maps elements which take so many microseconds, and tells how much longer than the ideal that took.
func makespan(name string, in []int, run func([]int) ([]int, error)) side {
	sum := time.Duration(0)
	for _, us := range in {
		sum += time.Duration(us) * time.Microsecond
	}
	return side{name, func() (figures, error) {
		begin := time.Now()
		out, err := run(in)
		took := time.Since(begin)
		if err == nil && !slices.Equal(in, out) {
			err = fmt.Errorf("%s: wrong results", name)
		}
		return figures{name: workers * took.Seconds() / sum.Seconds()}, err
	}}
}
