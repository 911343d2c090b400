package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-multiproc/mp"
)

const (
	asyncTasks = 5
	badInput   = 3
	waitLimit  = 10 * time.Second
)

// slowSquare takes a while, and does not like one of its inputs.
var slowSquare = mp.Func("tour.slowSquare", func(ctx context.Context, n int) (int, error) {
	select {
	case <-time.After(20 * time.Millisecond):
	case <-ctx.Done(): // the call was cancelled
		return 0, ctx.Err()
	}
	if n == badInput {
		return 0, fmt.Errorf("Invalid input: %d", n) //nolint:staticcheck // the words of the classic tutorial
	}
	return n * n, nil
})

func async(ctx context.Context, p *page) error {
	p.say("Go starts a call and gives a future of its result. Then sets a callback; Wait waits, with a limit if it is told one.")
	p.say("Here %d calls of a function that does not take %d.\n", asyncTasks, badInput)
	workers, err := mp.NewPool(mp.PoolConfig{})
	if err != nil {
		return err
	}
	defer workers.Close()

	start := time.Now()
	// Callbacks run on goroutines of their own, in any order: what they have to say goes over a channel.
	told := make(chan string, asyncTasks)
	var futures []*mp.Future[int]
	for n := 1; n <= asyncTasks; n++ {
		future := slowSquare.Go(ctx, workers, n)
		future.Then(func(square int, err error) {
			if err != nil {
				told <- fmt.Sprintf("error callback     input %d   %v", n, err)
				return
			}
			told <- fmt.Sprintf("success callback   input %d   result %d", n, square)
		})
		futures = append(futures, future)
	}
	p.say("  %d calls were started in %s; the program is free to do something else.\n", asyncTasks, ms(time.Since(start)))

	limited, cancel := context.WithTimeout(ctx, waitLimit)
	defer cancel()
	for range futures {
		select {
		case line := <-told:
			p.say("  %s", line)
		case <-limited.Done():
			return fmt.Errorf("a callback was not called: %w", limited.Err())
		}
	}
	p.say("\nThe same, collected in their order with a limit of %v:\n", waitLimit)
	rows := [][]string{{"input", "outcome"}}
	for i, future := range futures {
		n := i + 1
		square, err := future.Wait(limited)
		if err := checkAsync(n, square, err); err != nil {
			return err
		}
		outcome := number(square)
		if err != nil {
			outcome = fmt.Sprintf("failed: %v", err)
		}
		rows = append(rows, []string{fmt.Sprint(n), outcome})
	}
	p.table(rows...)
	p.say("\n%d succeeded and 1 failed, as it should, in %s.", asyncTasks-1, ms(time.Since(start)))
	return nil
}

// checkAsync says what is wrong with the outcome of one task.
func checkAsync(n, square int, err error) error {
	var remote *mp.RemoteError
	switch {
	case n == badInput && err == nil:
		return fmt.Errorf("input %d gave %d, want an error", n, square)
	case n == badInput && (!errors.As(err, &remote) || err.Error() != fmt.Sprintf("Invalid input: %d", n)):
		return fmt.Errorf("input %d failed with %w, want Invalid input: %d", n, err, n)
	case n != badInput && err != nil:
		return fmt.Errorf("input %d: %w", n, err)
	case n != badInput && square != n*n:
		return fmt.Errorf("input %d gave %d, want %d", n, square, n*n)
	}
	return nil
}
