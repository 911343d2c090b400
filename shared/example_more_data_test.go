//go:build linux

package shared_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// brighten makes each point of its part of an image brighter.
var brighten = mp.Func("example.brighten", func(_ context.Context, rows *shared.Array[uint8]) (int, error) {
	for i, v := range rows.Slice() {
		rows.Set(i, min(v, 205)+50)
	}
	return rows.Len(), nil
})

// A part of an image goes to another process, which changes the memory itself.
func ExampleArray_Range() {
	mp.Main()
	ctx := context.Background()
	image, err := shared.NewArray[uint8](8)
	if err != nil {
		fmt.Println(err)
		return
	}
	process, err := brighten.Start(ctx, image.Range(2, 5))
	if err != nil {
		fmt.Println(err)
		return
	}
	n, err := process.Wait(ctx)
	fmt.Printf("%d %v %v\n", n, err, image.Slice())
	// Output: 3 <nil> [0 0 50 50 50 0 0 0]
}

// The counter of a rate limit: what was counted is taken out and set to zero in one step.
func ExampleValue_Swap() {
	requests, err := shared.NewValue(0)
	if err != nil {
		fmt.Println(err)
		return
	}
	requests.Store(40)
	shared.Add(requests, 2)
	fmt.Println(requests.Swap(0), "in the last second,", requests.Load(), "in this one")
	// Output: 42 in the last second, 0 in this one
}

// take counts a stock down, of whatever kind its number is, and not below zero.
func take[T shared.Integer](stock *shared.Value[T]) bool {
	for {
		left := stock.Load()
		if left == 0 {
			return false
		}
		if shared.CompareAndSwap(stock, left, left-1) {
			return true
		}
	}
}

func ExampleInteger() {
	tickets, err := shared.NewValue(uint16(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(take(tickets), take(tickets), take(tickets))
	// Output: true true false
}

// A queue of bounded size: who puts faster than others get has to wait, or is told.
func ExampleQueueConfig() {
	jobs, err := shared.NewQueue[string](shared.QueueConfig{Capacity: 2, Bytes: 1 << 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, job := range []string{"wash", "dry", "iron"} {
		if err := jobs.TryPut(job); errors.Is(err, shared.ErrFull) {
			fmt.Println("no room for:", job)
		}
	}
	fmt.Println(jobs.Len(), "are in the queue")
	// Output:
	// no room for: iron
	// 2 are in the queue
}

// Workers take jobs until the queue is closed and all of them are done. One that fails is given back.
func ExampleQueue_Deliveries() {
	ctx := context.Background()
	jobs, err := shared.NewQueue[string](shared.QueueConfig{})
	if err == nil {
		err = errors.Join(jobs.Put(ctx, "resize cat.png"), jobs.Put(ctx, "resize dog.png"), jobs.Close())
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	busy := true // as the first attempt finds out
	for job, err := range jobs.Deliveries(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if busy {
			busy = false
			fmt.Println("later:", job.Value, job.Return())
			continue
		}
		fmt.Println("done:", job.Value, job.Ack())
	}
	// Output:
	// later: resize cat.png <nil>
	// done: resize cat.png <nil>
	// done: resize dog.png <nil>
}

// What is in a closed queue can still be had. Then Get says that nothing will come.
func ExampleQueue_Close() {
	ctx := context.Background()
	jobs, err := shared.NewQueue[string](shared.QueueConfig{})
	if err == nil {
		err = errors.Join(jobs.Put(ctx, "the last one"), jobs.Close())
	}
	fmt.Println(err, errors.Is(jobs.Put(ctx, "one more"), shared.ErrClosed))
	job, err := jobs.TryTake()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(job.Value, job.Ack())
	_, err = jobs.Get(ctx)
	fmt.Println(errors.Is(err, shared.ErrClosed))
	// Output:
	// <nil> true
	// the last one <nil>
	// true
}
