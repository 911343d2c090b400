package main

import (
	"context"
	"os"
	"strconv"
	"time"

	"github.com/go-multiproc/mp"
)

// What workers run. Where a rival runs the same in this process, it is a function with a name of its own.
var (
	noopMP = mp.Func("noop", noop)

	spinMP = mp.Func("spin", spin)

	burnMP = mp.Func("burn", burn)

	now = mp.Func("now", func(context.Context, struct{}) (int64, error) { return time.Now().UnixNano(), nil })

	echo = mp.Func("echo", func(_ context.Context, b []byte) ([]byte, error) { return b, nil })

	size = mp.Func("size", func(_ context.Context, b []byte) (int, error) { return len(b), nil })

	takeSmall = mp.Func("takeSmall", func(_ context.Context, v small) (int, error) { return len(v.Name), nil })

	takeFloats = mp.Func("takeFloats", func(_ context.Context, v []float64) (int, error) { return len(v), nil })

	takeMap = mp.Func("takeMap", func(_ context.Context, v map[string]int) (int, error) { return len(v), nil })

	// endless tells through a named pipe which process it is in, and never ends.
	endless = mp.Func("endless", func(_ context.Context, pipe string) (int, error) {
		if err := os.WriteFile(pipe, []byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
			return 0, err
		}
		for n := 0; ; n++ {
			if n < 0 {
				return n, nil
			}
		}
	})
)

// noop must be called, not inlined away, in whichever process.
//
//go:noinline
func noop(_ context.Context, x int) (int, error) { return x, nil }

// spin takes the given number of microseconds by the clock, even if it does not have the CPU for all of them.
//
//go:noinline
func spin(_ context.Context, microseconds int) (int, error) {
	for end := time.Now().Add(time.Duration(microseconds) * time.Microsecond); time.Now().Before(end); {
	}
	return microseconds, nil
}

// burn takes so many steps of work, however long that lasts. Inlined where nobody wants the result, it would be an empty loop.
//
//go:noinline
func burn(_ context.Context, steps int) (uint64, error) {
	x := uint64(steps) | 1
	for range steps {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x, nil
}

// small is what a typical argument looks like.
type small struct {
	ID    int64
	Name  string
	Score float64
	Tags  [4]uint16
	OK    bool
}

const workers = 2

func newPool(n int) (*mp.Pool, error) { return mp.NewPool(mp.PoolConfig{Workers: n}) }

var ctx = context.Background()
