// Command array lets workers change an array of 80 MB of which nothing is copied.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// scale multiplies a part of an array, in place, and returns its sum.
var scale = mp.Func2("scale", func(_ context.Context, part *shared.Array[float64], factor float64) (sum float64, err error) {
	numbers := part.Slice() // the memory itself
	for i := range numbers {
		numbers[i] *= factor
		sum += numbers[i]
	}
	return sum, nil
})

func main() {
	mp.Main()
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	numbers, err := shared.NewArray[float64](10_000_000)
	if err != nil {
		return err
	}
	defer func() { _ = numbers.Free() }() // or it lives as long as the program and its workers
	for i := range numbers.Slice() {
		numbers.Set(i, 1)
	}
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		return err
	}
	defer pool.Close()

	parts := numbers.Split(4) // nobody else touches a worker's part, so there is nothing to lock
	args := make([]mp.Args2[*shared.Array[float64], float64], len(parts))
	for i, part := range parts {
		args[i] = mp.Pack2(part, 3.0)
	}
	sums, err := scale.Map(ctx, pool, args)
	if err != nil {
		return err
	}
	fmt.Println("sums of the parts:", sums)
	fmt.Println("seen from here:   ", numbers.At(0), numbers.At(numbers.Len()-1))
	return nil
}
