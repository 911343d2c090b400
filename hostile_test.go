//go:build linux

package mp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

type deed struct {
	X    int
	Evil bool
	Pad  []byte
}

// evil does as asked, but in the worker of index 0, if told so, it scribbles over its own channel from then on, as
// broken C code would.
var evil = mp.Func("evil", func(_ context.Context, d deed) (deed, error) {
	if d.Evil && mp.Current().Worker == 0 && scribbling.CompareAndSwap(false, true) {
		mem, lo, hi, err := ownMapping("mp-channel")
		if err != nil {
			return deed{}, err
		}
		go scribbleOver(mem, lo, hi, uint64(d.X))
	}
	return deed{X: d.X * d.X, Pad: d.Pad}, nil
})

var scribbling atomic.Bool

// ownMapping finds where this worker has mapped what it shares, and a way to write there that no fault can stop.
func ownMapping(name string) (mem *os.File, lo, hi int64, err error) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil, 0, 0, err
	}
	for line := range strings.Lines(string(maps)) {
		if !strings.Contains(line, name) {
			continue
		}
		if _, err := fmt.Sscanf(line, "%x-%x", &lo, &hi); err != nil {
			return nil, 0, 0, err
		}
		mem, err = os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
		return mem, lo, hi, err
	}
	return nil, 0, 0, fmt.Errorf("no %s in %s", name, maps)
}

// scribbleOver writes random bytes at random moments: half of them into the words of the protocol at the beginning.
func scribbleOver(mem *os.File, lo, hi int64, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0))
	for {
		at, junk := lo+rng.Int64N(hi-lo), make([]byte, 1+rng.IntN(64))
		if rng.IntN(2) == 0 {
			at = lo + rng.Int64N(16<<10)
		}
		for i := range junk {
			junk[i] = byte(rng.Uint32() >> rng.IntN(32)) // often small numbers
		}
		_, _ = mem.WriteAt(junk, min(at, hi-int64(len(junk))))
		for end := time.Now().Add(time.Duration(rng.IntN(300)) * time.Microsecond); time.Now().Before(end); {
		}
	}
}

// A worker that scribbles over its channel hurts itself only: the parent neither panics nor hangs, every element has one
// outcome, what other workers ran is right, and the pool heals.
func TestWorkerThatScribbles(t *testing.T) {
	noLeaks(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	pool := newPool(t, mp.PoolConfig{
		Workers: 3, TaskTimeout: 300 * time.Millisecond, Grace: 10 * time.Millisecond, Stderr: io.Discard,
	})
	rounds := 30
	if long() {
		rounds = 500
	}
	for round := range rounds {
		var wg sync.WaitGroup
		wg.Go(func() { storm(t, pool, seed+uint64(round), 3000, 0) })
		wg.Go(func() { storm(t, pool, seed+uint64(round), 20, 700_000) })
		wg.Go(func() {
			for range 50 {
				v, err := square.Call(ctx, pool, round)
				_, _ = v, err // whose worker it was is not known; that it ends is the point
			}
		})
		wg.Wait()
		if t.Failed() {
			return
		}
	}
	// Whatever the last one still does, it is no more than a worker to be replaced.
	if w := pool.Workers()[0]; w.PID > 0 {
		_ = syscall.Kill(w.PID, syscall.SIGKILL)
		eventually(t, "the worker is replaced", func() bool { return pool.Workers()[0].PID != w.PID })
	}
	if err := pool.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	if out, err := square.Map(ctx, pool, []int{1, 2, 3, 4}); err != nil || out[3] != 16 {
		t.Errorf("after the storm: %v, %v", out, err)
	}
	t.Logf("%d restarts", pool.Stats().Restarts)
}

// storm runs n elements, some of them evil, and checks all that were not run by the worker of index 0.
func storm(t *testing.T, pool *mp.Pool, seed uint64, n, size int) {
	pad := pattern(size)
	var mu sync.Mutex
	by := make(map[int]int) // worker by element
	outcomes := make([]int, n)
	for i, r := range evil.Results(ctx, pool, func(yield func(deed) bool) {
		for i := range n {
			if !yield(deed{X: int(seed%1000) + i, Evil: i == n/3, Pad: pad}) {
				return
			}
		}
	}, mp.Observe(func(e mp.Event) {
		mu.Lock()
		defer mu.Unlock()
		by[e.Index] = e.Worker
	})) {
		outcomes[i]++
		mu.Lock()
		worker := by[i]
		mu.Unlock()
		if worker == 0 {
			continue
		}
		if _, ok := errors.AsType[*mp.TimeoutError](r.Err); ok {
			continue // the machine has other things to do; that it gets its outcome is the point
		}
		x := int(seed%1000) + i
		if r.Err != nil || r.Value.X != x*x || !bytes.Equal(r.Value.Pad, pad) {
			t.Errorf("element %d, run by worker %d: %d and %d bytes, %v", i, worker, r.Value.X, len(r.Value.Pad), r.Err)
		}
	}
	for i, c := range outcomes {
		if c != 1 {
			t.Errorf("element %d has %d outcomes", i, c)
		}
	}
}
