//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/go-multiproc/mp"
)

// kinds
// kind says what became of an element.
func kind(err error) string {
	var (
		late     *mp.TimeoutError
		died     *mp.WorkerError
		panicked *mp.PanicError
	)
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &late):
		return "too long"
	case errors.As(err, &died) && died.OOM:
		return "too much memory"
	case errors.As(err, &died):
		return "its worker died"
	case errors.As(err, &panicked):
		return "panicked"
	case errors.Is(err, mp.ErrInterrupted), errors.Is(err, mp.ErrClosed):
		return "the pool ended"
	case errors.Is(err, context.Canceled):
		return "given up by its caller"
	case errors.Is(err, fs.ErrPermission):
		return "not allowed"
	}
	return "the function's own error: " + err.Error()
}

// end kinds

var (
	loop = mp.Func("loop", func(ctx context.Context, _ int) (int, error) { <-ctx.Done(); return 0, ctx.Err() })
	oops = mp.Func("oops", func(context.Context, int) (int, error) { panic("oops") })
)

func init() {
	symptoms["kinds"] = func(ctx context.Context) error {
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 1, MemoryLimit: 128 << 20, TaskTimeout: 10 * time.Second, Stderr: io.Discard})
		if err != nil {
			return err
		}
		defer pool.Close()
		for _, f := range []*mp.Function[int, int]{echo, grow, killed, oops, fail} {
			_, err := f.Call(ctx, pool, 0)
			fmt.Println(kind(err))
		}
		_, err = loop.Call(ctx, pool, 0, mp.Timeout(100*time.Millisecond))
		fmt.Println(kind(err))
		return nil
	}
}
