//go:build linux

package mp_test

import (
	"context"
	"fmt"

	"github.com/go-multiproc/mp"
)

func ExamplePriority() {
	ctx := context.Background()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	background := triple.Go(ctx, pool, 1, mp.Priority(-1)) // when there is nothing else to do
	fmt.Println(triple.Call(ctx, pool, 2))
	fmt.Println(background.Wait(ctx))
	// Output:
	// 6 <nil>
	// 3 <nil>
}

func ExampleKey() {
	ctx := context.Background()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	first, err1 := current.Call(ctx, pool, struct{}{}, mp.Key("customer-17"))
	again, err2 := current.Call(ctx, pool, struct{}{}, mp.Key("customer-17"))
	fmt.Println(first.PID == again.PID, err1, err2)
	// Output: true <nil> <nil>
}

func ExamplePool_Lease() {
	ctx := context.Background()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	lease, err := pool.Lease(ctx) // a worker that nobody else uses
	if err != nil {
		fmt.Println(err)
		return
	}
	defer lease.Release()
	out, err := triple.Map(ctx, lease, []int{1, 2, 3})
	fmt.Println(out, err)
	// Output: [3 6 9] <nil>
}
