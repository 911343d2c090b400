package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/bits"
	"strings"
	"time"

	"github.com/go-multiproc/mp"
)

const (
	squarings = 10_000_000 // in one task
	cpuTasks  = 4
)

// sumSquares is addSquares for other processes.
var sumSquares = mp.Func("tour.sumSquares", addSquares)

// addSquares adds the squares of the numbers below n. The sum does not fit into 64 bits, so it is kept in two words.
func addSquares(_ context.Context, n uint64) (*big.Int, error) {
	var high, low, carry uint64
	for i := range n {
		low, carry = bits.Add64(low, i*i, 0)
		high += carry
	}
	sum := new(big.Int).SetUint64(high)
	return sum.Lsh(sum, 64).Add(sum, new(big.Int).SetUint64(low)), nil
}

// overflow calls itself until its stack is full, as a parser does on hostile input. Go ends the whole process for that: no
// recover helps.
var overflow = mp.Func("tour.overflow", func(_ context.Context, depth int) (int, error) { return deeper(depth), nil })

func deeper(n int) int {
	var local [256]byte // what a real function keeps on the stack
	local[n%len(local)] = 1
	return deeper(n+1) + int(local[0]) //nolint:staticcheck // that it never ends is the point
}

func cpu(ctx context.Context, p *page) error {
	p.say("%d tasks, each adding the squares of the numbers below %s, in four ways.\n", cpuTasks, number(squarings))
	workers, err := mp.NewPool(mp.PoolConfig{Stderr: io.Discard}) // the crash report that comes is in the error as well
	if err != nil {
		return err
	}
	defer workers.Close()

	ways := []struct {
		name string
		run  func(context.Context) ([]*big.Int, error)
	}{
		{"one after another", inTurn},
		{fmt.Sprintf("%d goroutines", cpuTasks), mapOn(mp.InProcess(cpuTasks))},
		{fmt.Sprintf("%d processes, started for it", cpuTasks), inProcesses},
		{fmt.Sprintf("a pool of %d workers", len(workers.Workers())), mapOn(workers)},
	}
	var first time.Duration
	rows := [][]string{{"", "time", "speed"}}
	for _, way := range ways {
		start := time.Now()
		sums, err := way.run(ctx)
		took := time.Since(start)
		if err == nil {
			err = checkSquares(sums)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
		if first == 0 {
			first = took
		}
		rows = append(rows, []string{way.name, ms(took), times(first, took)})
	}
	p.table(rows...)
	p.say("\nEvery sum was %s.", digits(squaresBelow(squarings)))
	p.say("To start a process takes some milliseconds; for tasks as short as these the workers of a pool, which run already, are better.\n")
	p.say("Goroutines are as fast. What processes buy: each can be killed, can be given a memory limit, and crashes alone.")
	return survive(ctx, p, workers)
}

// survive lets a worker die, and shows that nobody else does.
func survive(ctx context.Context, p *page, workers *mp.Pool) error {
	p.say("A task that calls itself for ever would now end this program, were it one of its goroutines. In a worker:\n")
	start := time.Now()
	_, err := overflow.Call(ctx, workers, 0)
	took := time.Since(start)
	var dead *mp.WorkerError
	if !errors.As(err, &dead) {
		return fmt.Errorf("a stack overflow ended with %w, not with a *mp.WorkerError", err)
	}
	if !strings.Contains(dead.Crash, "stack overflow") {
		return fmt.Errorf("the crash report does not tell of a stack overflow: %.200q", dead.Crash)
	}
	p.say("  error     %v", err)
	p.say("  report    %d lines of Go's crash report came with it", strings.Count(dead.Crash, "\n"))
	p.say("  after     %s, nearly all of it for the stack to grow to its limit of 256 MiB", ms(took))
	sum, err := sumSquares.Call(ctx, workers, 1000)
	if err != nil {
		return fmt.Errorf("the call after the crash: %w", err)
	}
	if sum.Cmp(squaresBelow(1000)) != 0 {
		return fmt.Errorf("the sum after the crash is %v, want %v", sum, squaresBelow(1000))
	}
	p.say("  go on     the next call on the same pool: %s", digits(sum))
	return nil
}

func inTurn(ctx context.Context) ([]*big.Int, error) {
	var sums []*big.Int
	for range cpuTasks {
		sum, err := addSquares(ctx, squarings)
		if err != nil {
			return nil, err
		}
		sums = append(sums, sum)
	}
	return sums, nil
}

// inProcesses starts a process for each task and waits for all.
func inProcesses(ctx context.Context) ([]*big.Int, error) {
	return together(ctx, sumSquares, squarings, squarings, squarings, squarings)
}

func mapOn(x mp.Executor) func(context.Context) ([]*big.Int, error) {
	return func(ctx context.Context) ([]*big.Int, error) {
		return sumSquares.Map(ctx, x, []uint64{squarings, squarings, squarings, squarings})
	}
}

// squaresBelow is what sumSquares has to give, by the closed form (n-1)n(2n-1)/6.
func squaresBelow(n int64) *big.Int {
	product := big.NewInt(n - 1)
	product.Mul(product, big.NewInt(n)).Mul(product, big.NewInt(2*n-1))
	return product.Div(product, big.NewInt(6))
}

func checkSquares(sums []*big.Int) error {
	if len(sums) != cpuTasks {
		return fmt.Errorf("%d results for %d tasks", len(sums), cpuTasks)
	}
	want := squaresBelow(squarings)
	for i, sum := range sums {
		if sum.Cmp(want) != 0 {
			return fmt.Errorf("task %d gave %v, want %v", i, sum, want)
		}
	}
	return nil
}
