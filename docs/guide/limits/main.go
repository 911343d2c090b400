// Command limits runs tasks that take too long and too much memory.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"runtime"
	"slices"
	"time"

	"github.com/go-multiproc/mp"
)

var work = mp.Func("work", func(ctx context.Context, task string) (string, error) {
	switch task {
	case "slow": // it heeds its context
		<-ctx.Done()
		return "", ctx.Err()
	case "endless": // nothing in this process could end it
		for {
			runtime.Gosched()
		}
	case "greedy": // it wants a terabyte
		var hoard [][]byte
		for len(hoard) < 1<<20 {
			hoard = append(hoard, bytes.Repeat([]byte{1}, 1<<20))
		}
	}
	return task + " is done", nil
})

func main() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{
		Workers:     2,
		TaskTimeout: 2 * time.Second,
		Grace:       2 * time.Second, // from the end of its context until its worker is killed
		MemoryLimit: 128 << 20,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	tasks := []string{"small", "slow", "endless", "greedy", "quick"}
	for result, err := range work.Stream(context.Background(), pool, slices.Values(tasks)) {
		var late *mp.TimeoutError
		var died *mp.WorkerError
		switch {
		case errors.As(err, &late):
			fmt.Printf("too long: %v (killed: %v)\n", err, late.Killed)
		case errors.As(err, &died) && died.OOM:
			fmt.Printf("too much: it is over %d MiB\n", died.Limit>>20)
		case err != nil:
			fmt.Println("failed:", err)
		default:
			fmt.Println(result)
		}
	}
}
