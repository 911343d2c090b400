//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp"
)

// What goes wrong in a worker is an error here, and the pool goes on.

// exit ends its process.
var exit = mp.Func("example.exit", func(_ context.Context, code int) (int, error) {
	os.Exit(code)
	return 0, nil
})

var careless = mp.Func("example.careless", func(_ context.Context, list []int) (int, error) { return list[0], nil })

// moody ends its process unless someone was there before.
var moody = mp.Func("example.moody", func(_ context.Context, name string) (string, error) {
	if f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		_ = f.Close()
		os.Exit(1)
	}
	return "went well", nil
})

// setScale is an Init: it makes state for the functions that run in its worker later.
var setScale = mp.Func("example.setScale", func(_ context.Context, n int64) (struct{}, error) {
	scale.Store(n)
	return struct{}{}, nil
})

var scaled = mp.Func("example.scaled", func(_ context.Context, x int64) (int64, error) { return x * scale.Load(), nil })

// dawdle takes all the time that it gets.
var dawdle = mp.Func("example.dawdle", func(ctx context.Context, _ string) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
})

var scale atomic.Int64

// onePool runs an example with a pool of one worker.
func onePool(example func(context.Context, *mp.Pool)) {
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1, Stderr: io.Discard})
	if err != nil {
		fmt.Println(err)
		return
	}
	example(context.Background(), pool)
	if err := pool.Close(); err != nil {
		fmt.Println(err)
	}
}

func ExampleWorkerError() {
	mp.Main()
	onePool(func(ctx context.Context, pool *mp.Pool) {
		_, err := exit.Call(ctx, pool, 3)
		if ended, ok := errors.AsType[*mp.WorkerError](err); ok {
			fmt.Println("exit code", ended.ExitCode, "at attempt", ended.Attempts)
		}
		fmt.Println(careless.Call(ctx, pool, []int{3})) // on a new worker
	})
	// Output:
	// exit code 3 at attempt 1
	// 3 <nil>
}

func ExamplePanicError() {
	mp.Main()
	onePool(func(ctx context.Context, pool *mp.Pool) {
		_, err := careless.Call(ctx, pool, nil)
		if panicked, ok := errors.AsType[*mp.PanicError](err); ok {
			fmt.Println(panicked.Value)
		}
	})
	// Output: runtime error: index out of range [0] with length 0
}

func ExampleTimeout() {
	mp.Main()
	onePool(func(ctx context.Context, pool *mp.Pool) {
		_, err := dawdle.Call(ctx, pool, "", mp.Timeout(time.Millisecond))
		var late *mp.TimeoutError
		fmt.Println(errors.As(err, &late), errors.Is(err, context.DeadlineExceeded))
	})
	// Output: true true
}

func ExampleRetries() {
	mp.Main()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	onePool(func(ctx context.Context, pool *mp.Pool) {
		fmt.Println(moody.Call(ctx, pool, filepath.Join(dir, "been-there"), mp.Retries(1)))
	})
	// Output: went well <nil>
}

func ExampleFunction_With() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2, Init: setScale.With(10)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	fmt.Println(scaled.Map(context.Background(), pool, []int64{1, 2, 3}))
	// Output: [10 20 30] <nil>
}

// A pool whose program does not call Main in main, or in TestMain, cannot start: NewPool says so with ErrNotMain.
func ExampleMain() {
	mp.Main() // first in main: in a worker it does not return
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	switch {
	case errors.Is(err, mp.ErrNotMain):
		fmt.Println("write mp.Main() first in main, and in TestMain")
	case err != nil:
		fmt.Println(err)
	default:
		fmt.Println("this program calls mp.Main:", pool.Close() == nil)
	}
	// Output: this program calls mp.Main: true
}
