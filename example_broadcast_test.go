//go:build linux

package mp_test

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/go-multiproc/mp"
)

// factor is what each worker multiplies by.
var factor atomic.Int64

var setFactor = mp.Func("example.setFactor", func(_ context.Context, n int64) (int, error) {
	factor.Store(n)
	return 0, nil
})

var multiply = mp.Func("example.multiply", func(_ context.Context, x int64) (int64, error) { return x * factor.Load(), nil })

// A setting that changes while the pool runs: every worker gets it, and every one that comes later.
func ExampleFunction_Broadcast() {
	mp.Main()
	ctx := context.Background()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2, Init: setFactor.With(1)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	for _, n := range []int64{10, 100} {
		if err := setFactor.Broadcast(ctx, pool, n); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(multiply.Map(ctx, pool, []int64{1, 2, 3}))
	}
	// Output:
	// [10 20 30] <nil>
	// [100 200 300] <nil>
}
