// Command hello squares numbers in other processes.
package main

import (
	"context"
	"fmt"

	"github.com/go-multiproc/mp"
)

var square = mp.Func("square", func(_ context.Context, x int) (int, error) { return x * x, nil })

func main() {
	mp.Main() // in a worker it does not return
	pool, err := mp.NewPool(mp.PoolConfig{})
	if err != nil {
		panic(err)
	}
	defer pool.Close()
	squares, err := square.Map(context.Background(), pool, []int{1, 2, 3})
	fmt.Println(squares, err) // [1 4 9] <nil>
}
