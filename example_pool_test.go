//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/go-multiproc/mp"
)

// vowels is state of a worker: Init fills it, and functions that run there later find it.
var vowels = make(map[rune]bool)

var loadVowels = mp.Func("example.loadVowels", func(_ context.Context, letters string) (int, error) {
	for _, v := range letters {
		vowels[v] = true
	}
	return len(vowels), nil
})

var countVowels = mp.Func("example.countVowels", func(_ context.Context, word string) (n int, err error) {
	for _, letter := range word {
		if vowels[letter] {
			n++
		}
	}
	return n, nil
})

// sayGoodbye is what a worker does last.
var sayGoodbye = mp.Func("example.sayGoodbye", func(_ context.Context, file string) (struct{}, error) {
	return struct{}{}, os.WriteFile(file, []byte("all is flushed"), 0o600)
})

var myPID = mp.Func("example.myPID", func(context.Context, int) (int, error) { return os.Getpid(), nil })

var endProcess = mp.Func("example.endProcess", func(_ context.Context, code int) (int, error) {
	os.Exit(code)
	return 0, nil
})

var forever = mp.Func("example.forever", func(ctx context.Context, _ int) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
})

// Each worker prepares itself, has its limits, and is replaced by a new one now and then.
func ExamplePoolConfig() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{
		Workers:     2,
		Init:        loadVowels.With("aeiou"),
		TaskTimeout: time.Minute,
		MemoryLimit: 1 << 30,
		MaxTasks:    1000,
		Stderr:      io.Discard,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	fmt.Println(countVowels.Map(context.Background(), pool, []string{"worker", "sequoia", "rhythm"}))
	// Output: [2 5 0] <nil>
}

// Calls to be made later: what a worker runs first, and what it runs last.
func ExampleTask() {
	mp.Main()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "log")
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1, Init: loadVowels.With("ao"), Exit: sayGoodbye.With(file)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(countVowels.Call(context.Background(), pool, "casanova"))
	fmt.Println(pool.Close())
	left, err := os.ReadFile(file)
	fmt.Println(string(left), err)
	// Output:
	// 4 <nil>
	// <nil>
	// all is flushed <nil>
}

func ExamplePool_Resize() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	fmt.Println(pool.Resize(context.Background(), 3), len(pool.Workers()))
	fmt.Println(pool.Resize(context.Background(), 2), len(pool.Workers()))
	// Output:
	// <nil> 3
	// <nil> 2
}

// After a death, Ready waits for the successor: another process with the same index.
func ExamplePool_Ready() {
	mp.Main()
	ctx := context.Background()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1, Stderr: io.Discard})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	before, err1 := myPID.Call(ctx, pool, 0)
	_, died := endProcess.Call(ctx, pool, 1)
	err2 := pool.Ready(ctx)
	after, err3 := myPID.Call(ctx, pool, 0)
	fmt.Println(died != nil, before != after, errors.Join(err1, err2, err3))
	// Output: true true <nil>
}

// Kill waits for nobody: what has not ended fails.
func ExamplePool_Kill() {
	mp.Main()
	ctx := context.Background()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	call := forever.Go(ctx, pool, 0)
	fmt.Println(pool.Kill())
	_, err = call.Wait(ctx)
	fmt.Println(errors.Is(err, mp.ErrClosed))
	// Output:
	// <nil>
	// true
}
