//go:build linux

package mp_test

import (
	"context"
	"fmt"
	"os"

	"github.com/go-multiproc/mp"
)

var twice = mp.Func("example.twice", func(_ context.Context, x int) (int, error) { return 2 * x, nil })

var whichProcess = mp.Func("example.whichProcess", func(context.Context, struct{}) (int, error) { return os.Getpid(), nil })

// Work for when there is nothing else to do.
func ExamplePriority() {
	mp.Main()
	ctx := context.Background()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	background := twice.Go(ctx, pool, 1, mp.Priority(-1))
	fmt.Println(twice.Call(ctx, pool, 2))
	fmt.Println(background.Wait(ctx))
	// Output:
	// 4 <nil>
	// 2 <nil>
}

// What a worker keeps for a customer is found again by the next call for it: that runs in the same process.
func ExampleKey() {
	mp.Main()
	ctx := context.Background()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	first, err1 := whichProcess.Call(ctx, pool, struct{}{}, mp.Key("customer-17"))
	again, err2 := whichProcess.Call(ctx, pool, struct{}{}, mp.Key("customer-17"))
	fmt.Println(first == again, err1, err2)
	// Output: true <nil> <nil>
}

// A worker for one goroutine alone, for as long as that has it.
func ExamplePool_Lease() {
	mp.Main()
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
	out, err := twice.Map(ctx, lease, []int{1, 2, 3})
	fmt.Println(out, err)
	// Output: [2 4 6] <nil>
}
