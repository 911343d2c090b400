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
	ctx := context.Background()
	numbers, err := shared.NewArray[float64](10_000_000)
	if err != nil {
		log.Fatal(err)
	}
	defer numbers.Free()
	for i := range numbers.Slice() {
		numbers.Slice()[i] = 1
	}
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	var args []mp.Args2[*shared.Array[float64], float64]
	for _, part := range numbers.Split(4) { // nobody else touches a worker's part, so there is nothing to lock
		args = append(args, mp.Pack2(part, 3.0))
	}
	sums, err := scale.Map(ctx, pool, args)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("sums of the parts:", sums)
	fmt.Println("seen from here:   ", numbers.At(0), numbers.At(numbers.Len()-1))
}
