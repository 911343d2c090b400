//go:build linux

package shared_test

import (
	"context"
	"fmt"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

var sumRange = mp.Func("example.sumRange", func(_ context.Context, part *shared.Array[float64]) (sum float64, err error) {
	for _, v := range part.Slice() {
		sum += v
	}
	return sum, nil
})

// A pool adds up an array of which nothing is copied: what travels are the parts' places.
func ExampleArray_Split() {
	mp.Main()
	numbers, err := shared.NewArray[float64](1_000_000)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = numbers.Free() }()
	for i := range numbers.Slice() {
		numbers.Set(i, 1)
	}
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	sums, err := sumRange.Map(context.Background(), pool, numbers.Split(4))
	fmt.Println(sums, err)
	// Output: [250000 250000 250000 250000] <nil>
}
