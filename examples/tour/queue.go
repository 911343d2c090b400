package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

const (
	queueItems = 1000
	queueRoom  = 16
)

// produce puts the numbers from 1 to n into a queue and returns their sum. Close says that no more will come.
var produce = mp.Func2("tour.produce", func(ctx context.Context, items *shared.Queue[int], n int) (int, error) {
	sum := 0
	for item := 1; item <= n; item++ {
		if err := items.Put(ctx, item); err != nil {
			return 0, err
		}
		sum += item
	}
	return sum, items.Close()
})

// consume takes what is in a queue, until it is closed and empty.
var consume = mp.Func("tour.consume", func(ctx context.Context, items *shared.Queue[int]) ([]int, error) {
	var taken []int
	for item, err := range items.All(ctx) {
		if err != nil {
			return nil, err
		}
		taken = append(taken, item)
	}
	return taken, nil
})

func queue(ctx context.Context, p *page) error {
	p.say("A Queue carries items from any process to any other. Here one puts the numbers from 1 to %s and closes the queue;", number(queueItems))
	p.say("another takes them in a loop that ends by itself. There is room for %d, so the first waits for the second.\n", queueRoom)
	items, err := shared.NewQueue[int](shared.QueueConfig{Capacity: queueRoom})
	if err != nil {
		return err
	}
	defer free(items)

	start := time.Now()
	producer, err := produce.Start(ctx, mp.Pack2(items, queueItems))
	if err != nil {
		return err
	}
	defer end(producer)
	consumer, err := consume.Start(ctx, items)
	if err != nil {
		return err
	}
	defer end(consumer)
	put, err := producer.Wait(ctx)
	if err != nil {
		return fmt.Errorf("the producer: %w", err)
	}
	taken, err := consumer.Wait(ctx)
	if err != nil {
		return fmt.Errorf("the consumer: %w", err)
	}
	took := time.Since(start)
	if err := checkTaken(taken, put); err != nil {
		return err
	}
	if _, err := items.Get(ctx); !errors.Is(err, shared.ErrClosed) {
		return fmt.Errorf("a queue that is closed and empty: %w, want ErrClosed", err)
	}

	p.table(
		[]string{"", "process", "items", "sum"},
		[]string{"put", fmt.Sprint(producer.PID()), number(queueItems), number(put)},
		[]string{"taken", fmt.Sprint(consumer.PID()), number(len(taken)), number(put)},
	)
	p.say("\nThey came out in the order in which they were put. It took %s, the start of both processes included.", ms(took))
	p.say("Items that a process has put are there also if it dies. One that it took with Take, not Get, comes back if it dies before Ack.")
	return nil
}

// checkTaken says what is wrong with what came out of the queue, when numbers from 1 with this sum were put.
func checkTaken(taken []int, put int) error {
	if len(taken) != queueItems {
		return fmt.Errorf("%d items were taken, want %d", len(taken), queueItems)
	}
	sum := 0
	for i, item := range taken {
		if item != i+1 {
			return fmt.Errorf("item %d is %d, want %d", i, item, i+1)
		}
		sum += item
	}
	if sum != put {
		return fmt.Errorf("the sum of what was taken is %d, of what was put %d", sum, put)
	}
	return nil
}
