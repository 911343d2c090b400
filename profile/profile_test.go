//go:build linux

package profile_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/profile"
)

func TestMain(m *testing.M) {
	mp.Main()
	os.Exit(m.Run())
}

var ctx = context.Background()

var held [][]byte

// hold allocates memory and keeps it.
var hold = mp.Func("hold", func(context.Context, int) (int, error) {
	held = append(held, make([]byte, 64<<20)) // far above the heap profile's rate
	return len(held), nil
})

var number atomic.Int64

// burn works until its context ends.
var burn = mp.Func("burn", func(ctx context.Context, _ int) (int64, error) { return burnHere(ctx) })

//go:noinline
func burnHere(ctx context.Context) (int64, error) {
	for ctx.Err() == nil {
		for range 1000 {
			number.Add(1)
		}
	}
	return number.Load(), nil
}

// die kills its worker.
var die = mp.Func("die", func(context.Context, int) (int, error) {
	return 0, syscall.Kill(os.Getpid(), syscall.SIGKILL)
})

func newPool(t *testing.T) *mp.Pool {
	t.Helper()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2, MaxProcs: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Kill() })
	return pool
}

// seen is which workers have samples in a function whose name holds this.
func seen(t *testing.T, raw *bytes.Buffer, function string) []string {
	t.Helper()
	p, err := pprof.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	var workers []string
	for _, s := range p.Sample {
		for _, l := range s.Location {
			for _, line := range l.Line {
				if strings.Contains(line.Function.Name, function) {
					workers = append(workers, s.Label["worker"]...)
				}
			}
		}
	}
	slices.Sort(workers)
	return slices.Compact(workers)
}

// Samples of all workers are in one profile, each with its worker.
func TestCPU(t *testing.T) {
	pool := newPool(t)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range 2 {
		burn.Go(ctx, pool, 0)
	}
	for {
		var raw bytes.Buffer
		if err := profile.CPU(ctx, pool, &raw, 100*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if slices.Equal(seen(t, &raw, "burnHere"), []string{"0", "1"}) {
			return // else the workers had no CPU meanwhile
		}
	}
}

func TestHeap(t *testing.T) {
	pool := newPool(t)
	if _, err := hold.Call(ctx, pool, 0); err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	if err := profile.Lookup(ctx, pool, &raw, "allocs"); err != nil {
		t.Fatal(err)
	}
	if err := profile.Heap(ctx, pool, new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	if _, err := pprof.Parse(&raw); err != nil {
		t.Error(err)
	}
}

func TestGoroutine(t *testing.T) {
	pool := newPool(t)
	var raw bytes.Buffer
	if err := profile.Goroutine(ctx, pool, &raw); err != nil {
		t.Fatal(err)
	}
	if got := seen(t, &raw, "internal/link.(*server).loop"); !slices.Equal(got, []string{"0", "1"}) {
		t.Errorf("goroutines of workers %q", got)
	}
}

// A worker that dies meanwhile, or has no such profile, is left out and named.
func TestPartial(t *testing.T) {
	pool := newPool(t)
	took := make(chan error)
	var raw bytes.Buffer
	go func() { took <- profile.CPU(ctx, pool, &raw, time.Second) }()
	for { // until one dies while it is profiled
		_, _ = die.Call(ctx, pool, 0)
		select {
		case err := <-took:
			var partial *profile.PartialError
			if !errors.As(err, &partial) || len(partial.Workers) == 0 {
				t.Errorf("%v", err)
			}
			err = profile.Lookup(ctx, pool, new(bytes.Buffer), "nonsense")
			if !errors.As(err, &partial) || len(partial.Workers) != 2 || !strings.Contains(err.Error(), "nonsense") {
				t.Errorf("%v", err)
			}
			return
		default:
		}
	}
}

// A worker that does not answer does not hold the others up for longer than the context says, and they are in the profile.
func TestDeadline(t *testing.T) {
	pool := newPool(t)
	if err := syscall.Kill(pool.Workers()[1].PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	err := profile.Goroutine(ctx, pool, &raw)
	var partial *profile.PartialError
	if !errors.As(err, &partial) || len(partial.Workers) != 1 || !errors.Is(partial.Workers[1], context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if got := seen(t, &raw, "internal/link"); !slices.Equal(got, []string{"0"}) {
		t.Errorf("goroutines of workers %q", got)
	}
}
