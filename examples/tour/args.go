package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-multiproc/mp"
)

// sumRange takes three arguments. For a call they are packed into one.
var sumRange = mp.Func3("tour.sumRange", func(_ context.Context, start, end, step int) (int, error) {
	if step <= 0 {
		return 0, fmt.Errorf("step %d leads nowhere", step)
	}
	total := 0
	for i := start; i < end; i += step {
		total += i
	}
	return total, nil
})

// ranges are the calls, and what has to come of them.
var ranges = []struct {
	call mp.Args3[int, int, int]
	want int
}{
	{mp.Pack3(0, 1_000_000, 1), 499_999_500_000},
	{mp.Pack3(0, 1_000_000, 2), 249_999_500_000},
	{mp.Pack3(1, 1_000_000, 3), 166_666_166_667},
	{mp.Pack3(500, 10_000_000, 7), 7_142_852_125_250},
}

func args(ctx context.Context, p *page) error {
	p.say("Func2, Func3 and Func4 are for functions of several arguments, as starmap is in Python. Here sumRange(start, end,")
	p.say("step) adds every step-th number from start to before end.\n")
	workers, err := mp.NewPool(mp.PoolConfig{})
	if err != nil {
		return err
	}
	defer workers.Close()

	var calls []mp.Args3[int, int, int]
	for _, r := range ranges {
		calls = append(calls, r.call)
	}
	start := time.Now()
	sums, err := sumRange.Map(ctx, workers, calls)
	took := time.Since(start)
	if err != nil {
		return err
	}

	rows := [][]string{{"start", "end", "step", "sum"}}
	for i, r := range ranges {
		if sums[i] != r.want {
			return fmt.Errorf("sumRange(%d, %d, %d) is %d, want %d", r.call.A, r.call.B, r.call.C, sums[i], r.want)
		}
		rows = append(rows, []string{number(r.call.A), number(r.call.B), number(r.call.C), number(sums[i])})
	}
	p.table(rows...)
	p.say("\nAll sums are exact. Together they took %s.", ms(took))
	return nil
}
