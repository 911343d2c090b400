package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// counters is how many processes count together.
const counters = 4

var lockGroup = group{
	name:  "lock",
	about: "a Mutex with nobody else there, and under it 4 processes that make 250,000 increments each",
	open: func(r *runner) (*bench, error) {
		mutex, err := shared.NewMutex()
		if err != nil {
			return nil, err
		}
		pairs, n := r.n(2_000_000), r.n(250_000)
		sides := []side{
			perOperation("ours", pairs, func(n int) error { return lockPairs(mutex, n) }),
			perOperation("sync.Mutex", pairs, syncLockPairs),
			{"robust pthread mutex", func() (figures, error) { return robust(pairs, counters, n) }},
			pythonSide("Lock", "lock", r.n(500_000)),
			countTogether("together", n, true),
			countTogether("together, context", n, false),
			pythonSide("Lock and RawValue", "count_raw", counters, n),
			pythonSide("Value", "count_value", counters, n),
		}
		return &bench{sides: sides, close: func() { free(mutex) }}, nil
	},
	lines: []line{
		{what: "Mutex, Lock and Unlock with nobody else there, vs sync.Mutex", ours: "ours", rival: "sync.Mutex",
			unit: seconds, sense: overhead, atLeast: 1.5, stretch: 1.2},
		{what: "... vs a robust pthread mutex in shared memory", ours: "ours", rival: "robust", unit: seconds, sense: overhead},
		{what: "... vs Python Lock", ours: "ours", rival: "python", unit: seconds, sense: timesUp},
		{what: "4 processes x 250,000 locked increments vs Python Lock and RawValue", ours: "together", rival: "RawValue",
			unit: seconds, sense: timesUp, atLeast: 30, stretch: 60},
		{what: "... vs Python Value with its own lock", ours: "together", rival: "Value", unit: seconds, sense: timesUp},
		{what: "... vs a robust pthread mutex", ours: "together", rival: "robust processes",
			unit: seconds, sense: overhead, atLeast: 0.8, stretch: 0.4},
		{what: "... with a context that can end, vs one that cannot", ours: "together, context", rival: "together", unit: seconds, sense: overhead},
	},
}

func lockPairs(mutex *shared.Mutex, n int) error {
	endless := context.Background()
	for range n {
		if err := mutex.Lock(endless); err != nil {
			return err
		}
		if err := mutex.Unlock(); err != nil {
			return err
		}
	}
	return nil
}

func syncLockPairs(n int) error {
	for range n {
		mutexOfThisProcess.Lock()
		mutexOfThisProcess.Unlock() //nolint:staticcheck // there is nothing to be guarded
	}
	return nil
}

// mutexOfThisProcess is a global variable, so that the compiler has to take it seriously.
var mutexOfThisProcess sync.Mutex

// countTogether is a side in which processes count under one mutex. It lasts from the first one's begin to the last one's end.
func countTogether(name string, n int, endless bool) side {
	return side{name, func() (figures, error) {
		mutex, err1 := shared.NewMutex()
		counter, err2 := shared.NewArray[int64](1)
		start, err3 := shared.NewBarrier(counters)
		if err := errors.Join(err1, err2, err3); err != nil {
			return nil, err
		}
		defer free(mutex, counter, start)
		spans := make([]span, counters)
		var runs []func(context.Context) error
		for i := range spans {
			runs = append(runs, inProcess(countMP, counting{mutex, counter, start, n, endless}, &spans[i]))
		}
		if err := together(runs...); err != nil {
			return nil, err
		}
		if got, want := counter.Slice()[0], int64(counters*(n+n/50)); got != want {
			return nil, fmt.Errorf("%s: counted %d, not %d", name, got, want)
		}
		return figures{name: whole(spans).Seconds()}, nil
	}}
}

// counting is what a process has to do that counts.
type counting struct {
	Mutex   *shared.Mutex
	Counter *shared.Array[int64]
	Start   *shared.Barrier
	N       int
	// Endless is whether Lock gets a context that never ends, as the rivals' locks know none.
	Endless bool
}

var countMP = mp.Func("count", func(ctx context.Context, c counting) (span, error) {
	if err := c.increments(ctx, c.N/50); err != nil {
		return span{}, err
	}
	if _, err := c.Start.Wait(ctx); err != nil {
		return span{}, err
	}
	begin := time.Now().UnixNano()
	err := c.increments(ctx, c.N)
	return span{begin, time.Now().UnixNano()}, err
})

func (c counting) increments(ctx context.Context, n int) error {
	if c.Endless {
		ctx = context.Background()
	}
	counter := c.Counter.Slice()
	for range n {
		if err := c.Mutex.Lock(ctx); err != nil {
			return err
		}
		counter[0]++
		if err := c.Mutex.Unlock(); err != nil {
			return err
		}
	}
	return nil
}
