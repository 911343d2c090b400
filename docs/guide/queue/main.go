// Command queue hands orders to processes through a queue; one of them dies with an order in its hands.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

type desk struct {
	Orders  *shared.Queue[int]
	Results *shared.Queue[int]
}

// clerk works until there are no more orders, or until it comes to the one at which it falls over.
var clerk = mp.Func2("clerk", func(ctx context.Context, d desk, fallsAt int) (done int, err error) {
	for order, err := range d.Orders.Deliveries(ctx) {
		if err != nil {
			return done, err
		}
		if order.Value == fallsAt {
			os.Exit(3)
		}
		if err := d.Results.Put(ctx, order.Value*order.Value); err != nil {
			return done, err
		}
		if err := order.Ack(); err != nil { // from here on nobody else gets it
			return done, err
		}
		done++
	}
	return done, nil
})

func main() {
	mp.Main()
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	orders, err := shared.NewQueue[int](shared.QueueConfig{Capacity: 100}) // Put waits when 100 lie there
	if err != nil {
		return err
	}
	results, err := shared.NewQueue[int](shared.QueueConfig{})
	if err != nil {
		return err
	}
	for order := range 10 {
		if err := orders.Put(ctx, order); err != nil {
			return err
		}
	}
	if err := orders.Close(); err != nil { // no more will come
		return err
	}

	d := desk{orders, results}
	for i, fallsAt := range []int{4, -1} {
		p, err := clerk.Start(ctx, mp.Pack2(d, fallsAt), mp.Name(fmt.Sprintf("clerk-%d", i)))
		if err != nil {
			return err
		}
		done, err := p.Wait(ctx)
		fmt.Printf("%s: %d done, %v\n", p.Name(), done, err)
	}
	if err := results.Close(); err != nil {
		return err
	}
	sum, n := 0, 0
	for square, err := range results.All(ctx) {
		if err != nil {
			return err
		}
		sum, n = sum+square, n+1
	}
	fmt.Println(n, "results, their sum is", sum)
	return nil
}
