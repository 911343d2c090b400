//go:build linux

package mp_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// hog allocates as fast as it can.
var hog = mp.Func("hog", func(ctx context.Context, step int) (int, error) {
	var all [][]byte
	for ctx.Err() == nil {
		b := make([]byte, step)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		all = append(all, b)
	}
	return len(all), nil
})

// W33: the error tells which limit, and what the worker had: also of one that takes it all at once.
func TestMemoryLimitIsTold(t *testing.T) {
	const limit = 96 << 20
	x := mp.InProcess(1) // whose goroutine stays
	_, _ = square.Call(ctx, x, 1)
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 1, MemoryLimit: limit})
	for _, step := range []int{64 << 10, 512 << 20} {
		_, err := hog.Call(ctx, pool, step)
		var we *mp.WorkerError
		if !errors.As(err, &we) || !we.OOM || we.Limit != limit || we.Memory <= limit || we.Signal != syscall.SIGKILL {
			t.Fatalf("steps of %d: %+v", step, err)
		}
		if text := err.Error(); !strings.Contains(text, "was over its limit of 96 MiB: ") || !strings.Contains(text, " MiB resident") {
			t.Errorf("steps of %d: %s", step, text)
		}
		t.Logf("steps of %d: %v", step, err)
	}
	// It crosses a process boundary as it is.
	_, err := overLimit.Call(ctx, x, limit)
	var we *mp.WorkerError
	if !errors.As(err, &we) || we.Limit != limit || we.Memory <= limit {
		t.Errorf("from a worker: %v", err)
	}
}

var overLimit *mp.Function[int64, int]

func init() {
	overLimit = mp.Func("overLimit", func(ctx context.Context, limit int64) (int, error) {
		p, err := hog.Start(ctx, 1<<20, mp.MemoryLimit(limit))
		if err != nil {
			return 0, err
		}
		return p.Wait(ctx)
	})
}

// sumAndFill reads all of an array and writes all of it.
var sumAndFill = mp.Func("sumAndFill", func(_ context.Context, a *shared.Array[int64]) (sum int64, err error) {
	for i, x := range a.Slice() {
		sum += x
		a.Set(i, x+1)
	}
	return sum, nil
})

// Shared memory belongs to all: a worker that touches more of it than its limit is not over it.
func TestMemoryLimitLeavesSharedMemoryOut(t *testing.T) {
	const limit = 96 << 20
	a, err := shared.NewArray[int64](2 * limit / 8)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Free() }()
	pool := newPool(t, mp.PoolConfig{Workers: 1, MemoryLimit: limit})
	for i := range int64(3) {
		sum, err := sumAndFill.Call(ctx, pool, a)
		if want := i * int64(a.Len()); err != nil || sum != want {
			t.Fatalf("%d, %v, want %d", sum, err, want)
		}
	}
	if w := pool.Workers()[0]; w.RSS < 2*limit {
		t.Errorf("it has not touched it: %+v", w)
	}
}
