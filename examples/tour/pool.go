package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-multiproc/mp"
)

const (
	poolInputs = 8
	poolSize   = 1_000_000
)

var processData = mp.Func("tour.processData", process)

// process adds the squares of the numbers below n.
func process(_ context.Context, n int) (int, error) {
	total := 0
	for i := range n {
		total += i * i
	}
	return total, nil
}

func pool(ctx context.Context, p *page) error {
	p.say("Map runs a function on every element of a slice and returns the results in their order. Here on %d inputs,", poolInputs)
	p.say("%s to %s; each is to become the sum of the squares below it.\n", number(poolSize), number(poolSize+poolInputs-1))
	inputs := make([]int, poolInputs)
	for i := range inputs {
		inputs[i] = poolSize + i
	}

	start := time.Now()
	want := make([]int, len(inputs))
	for i, n := range inputs {
		sum, err := process(ctx, n)
		if err != nil {
			return err
		}
		want[i] = sum
	}
	inTurn := time.Since(start)

	start = time.Now()
	workers, err := mp.NewPool(mp.PoolConfig{}) // as many workers as there are CPUs
	if err != nil {
		return err
	}
	defer workers.Close()
	opened := time.Since(start)

	start = time.Now()
	got, err := processData.Map(ctx, workers, inputs)
	mapped := time.Since(start)
	if err != nil {
		return err
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("the results of Map are %v, one after another %v", got, want)
	}

	rows := [][]string{{"input", "sum of squares"}}
	for i, n := range inputs {
		rows = append(rows, []string{number(n), number(got[i])})
	}
	p.table(rows...)
	p.say("")
	p.table(
		[]string{"", "time", "speed"},
		[]string{"one after another", ms(inTurn), times(inTurn, inTurn)},
		[]string{fmt.Sprintf("Map on %d workers", len(workers.Workers())), ms(mapped), times(inTurn, mapped)},
		[]string{"starting the pool, once", ms(opened), ""},
	)
	p.say("\nThe results are equal.")
	return nil
}
