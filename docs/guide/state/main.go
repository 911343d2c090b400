// Command state keeps things in workers: a dictionary that each loads once, and a count for each customer.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/go-multiproc/mp"
)

var (
	words  map[string]string      // each worker has its own, made by load
	visits = make(map[string]int) // of the customers that come to this worker
)

var load = mp.Func("load", func(_ context.Context, language string) (struct{}, error) {
	words = map[string]string{"hello": "good day"}
	if language == "fr" {
		words["hello"] = "bonjour"
	}
	return struct{}{}, nil
})

// greet needs no lock: a worker runs one element at a time.
var greet = mp.Func("greet", func(_ context.Context, customer string) (string, error) {
	visits[customer]++
	return fmt.Sprintf("%s, %s: visit %d", words["hello"], customer, visits[customer]), nil
})

var fall = mp.Func("fall", func(context.Context, struct{}) (struct{}, error) {
	os.Exit(1)
	return struct{}{}, nil
})

func main() {
	mp.Main()
	ctx := context.Background()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2, Init: load.With("fr")})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	say := func(customer string) {
		fmt.Println(greet.Call(ctx, pool, customer, mp.Key(customer))) // always the same worker
	}
	say("ann")
	say("bob")
	say("ann")
	_, err = fall.Call(ctx, pool, struct{}{}, mp.Key("ann"))
	fmt.Println(err)
	say("ann")
}
