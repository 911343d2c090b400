// Command queue has orders made by two processes and done by two others, which are replaced when one falls over.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

type desk struct {
	Orders  *shared.Queue[int]
	Results *shared.Queue[int]
	Tries   *shared.Array[int32] // by the number of the order: how often somebody began it
}

// shop makes ten orders, from this number on.
var shop = mp.Func2("shop", func(ctx context.Context, d desk, from int) (made int, err error) {
	for made < 10 && err == nil {
		err = d.Orders.Put(ctx, from+made)
		made++
	}
	return made, err
})

// clerk works until there are no more orders. It falls over whenever it comes to order 4.
var clerk = mp.Func("clerk", func(ctx context.Context, d desk) (done int, err error) {
	tries := d.Tries.Slice()
	for order, err := range d.Orders.Deliveries(ctx) {
		if err != nil {
			return done, err
		}
		number := order.Value
		tries[number]++ // before the work; who has the order is the only one who writes there
		if tries[number] <= 3 {
			if number == 4 {
				os.Exit(3)
			}
			if err := d.Results.Put(ctx, number*number); err != nil {
				return done, err
			}
			done++
		} // else it is to blame, and is done with
		if err := order.Ack(); err != nil { // from here on nobody else gets it
			return done, err
		}
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
	orders, err1 := shared.NewQueue[int](shared.QueueConfig{Capacity: 8}) // Put waits when 8 lie there
	results, err2 := shared.NewQueue[int](shared.QueueConfig{})
	tries, err3 := shared.NewArray[int32](20)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	d := desk{orders, results, tries}

	var shops []*mp.Process[int]
	for i := range 2 {
		p, err := shop.Start(ctx, mp.Pack2(d, 10*i), mp.Name(fmt.Sprintf("shop-%d", i)))
		if err != nil {
			return err
		}
		shops = append(shops, p)
	}
	closed := make(chan error, 1)
	go func() { // their parent knows when all have ended, however they did: then no more will come
		var failed error
		for _, p := range shops {
			_, err := p.Wait(ctx)
			failed = errors.Join(failed, err)
		}
		closed <- errors.Join(failed, orders.Close())
	}()

	ends := make(chan error)
	hire := func() error {
		p, err := clerk.Start(ctx, d)
		if err != nil {
			return err
		}
		go func() {
			_, err := p.Wait(ctx)
			ends <- err
		}()
		return nil
	}
	if err := errors.Join(hire(), hire()); err != nil {
		return err
	}
	for clerks := 2; clerks > 0; {
		err := <-ends
		var died *mp.WorkerError
		switch {
		case errors.As(err, &died):
			fmt.Printf("%v: another one comes\n", err)
			if err := hire(); err != nil {
				return err
			}
		case err != nil:
			return err
		default:
			clerks--
		}
	}

	if err := errors.Join(<-closed, results.Close()); err != nil {
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
