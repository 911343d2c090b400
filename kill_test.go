//go:build linux

package mp_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// kills is how many workers the chaos tests kill: MP_CHAOS=1000 is the long form.
func kills(t *testing.T, short int) int {
	if s := os.Getenv("MP_CHAOS"); s != "" {
		d := 0
		for _, c := range s {
			d = d*10 + int(c-'0')
		}
		return d
	}
	if testing.Short() {
		return short / 4
	}
	return short
}

// killer kills workers of the pool at random moments until stopped, and remembers whom.
type killer struct {
	mu     sync.Mutex
	killed map[int]bool
}

func (k *killer) kill(pool *mp.Pool, rng *rand.Rand) bool {
	workers := pool.Workers()
	if len(workers) == 0 {
		return false
	}
	w := workers[rng.IntN(len(workers))]
	if w.PID == 0 || w.State == "starting" {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.killed[w.PID] {
		return false
	}
	if syscall.Kill(w.PID, syscall.SIGKILL) != nil {
		return false
	}
	k.killed[w.PID] = true
	return true
}

// W01, H01: kill -9 of any worker, busy or idle, under load. Never a hang; each element has exactly one outcome, which is its
// result or names the worker that was killed.
func TestChaosKillUnderLoad(t *testing.T) {
	noLeaks(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	pool := newPool(t, mp.PoolConfig{Workers: 3})
	k := &killer{killed: make(map[int]bool)}
	want := kills(t, 120)

	var stop atomic.Bool
	var elements, hurt atomic.Int64
	var wg sync.WaitGroup
	check := func(err error, index int) {
		elements.Add(1)
		if err == nil {
			return
		}
		hurt.Add(1)
		var we *mp.WorkerError
		if !errors.As(err, &we) {
			t.Errorf("an outcome that no kill explains: %v", err)
			return
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		if !k.killed[we.PID] || we.Signal != syscall.SIGKILL || we.ExitCode != -9 || we.Index != index {
			t.Errorf("element %d: %+v, killed were %v", index, we, k.killed)
		}
	}
	load := func(f func()) {
		wg.Go(func() {
			for !stop.Load() && !t.Failed() {
				f()
			}
		})
	}
	load(func() { // many small ones, in batches
		n := 0
		for i, r := range square.Results(ctx, pool, upTo(5000)) {
			check(r.Err, i)
			if r.Err == nil && r.Value != i*i {
				t.Errorf("element %d is %d", i, r.Value)
			}
			n++
		}
		if n != 5000 {
			t.Errorf("%d outcomes of 5000", n)
		}
	})
	load(func() { // large ones, some larger than the ring
		i := 0
		sizes := []int{10, 100_000, 600_000, 2_000_000}
		for b, err := range echo.Stream(ctx, pool, func(yield func([]byte) bool) {
			for _, n := range sizes {
				if !yield(pattern(n)) {
					return
				}
			}
		}) {
			check(err, i)
			if err == nil && !isPattern(b, sizes[i]) {
				t.Errorf("large element %d came back broken", i)
			}
			i++
		}
		if i != len(sizes) {
			t.Errorf("%d outcomes of %d", i, len(sizes))
		}
	})
	load(func() { // single calls
		v, err := work.Call(ctx, pool, 300)
		check(err, -1)
		if err == nil && v != 300 {
			t.Errorf("a call returned %d", v)
		}
	})
	pause := time.NewTicker(3 * time.Millisecond)
	for n := 0; n < want && !t.Failed(); {
		<-pause.C
		if k.kill(pool, rng) {
			n++
		}
	}
	pause.Stop()
	stop.Store(true)
	wg.Wait()
	if err := pool.Ready(ctx); err != nil {
		t.Errorf("the pool did not heal: %v", err)
	}
	if v, err := square.Call(ctx, pool, 12); v != 144 || err != nil {
		t.Errorf("after the storm: %d, %v", v, err)
	}
	t.Logf("%d elements, %d kills, %d elements hurt", elements.Load(), want, hurt.Load())
}

// W02: a worker that is killed while it has nothing to do hurts nobody.
func TestKillIdleWorkerHurtsNobody(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	for range 5 {
		if err := pool.Ready(ctx); err != nil {
			t.Fatal(err)
		}
		for _, w := range pool.Workers() {
			if w.PID > 0 {
				_ = syscall.Kill(w.PID, syscall.SIGKILL)
			}
		}
		out, err := square.Map(ctx, pool, []int{1, 2, 3})
		if err != nil {
			if _, ok := errors.AsType[*mp.WorkerError](err); !ok {
				t.Fatal(err)
			}
			continue // it began before the signal arrived
		}
		if out[2] != 9 {
			t.Fatal(out)
		}
	}
}

// A worker that is killed between its start and Init is replaced, and no other worker runs its Init.
func TestKillBeforeInit(t *testing.T) {
	noLeaks(t)
	var doomed atomic.Int32
	pool := newPool(t, mp.PoolConfig{Workers: 2, Init: setup.With(7), Observer: func(e mp.Event) {
		// It is told just before Init is sent.
		if e.Kind == "worker started" && doomed.Add(-1) >= 0 {
			_ = syscall.Kill(e.PID, syscall.SIGKILL)
		}
	}})
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	for range rounds {
		doomed.Store(2)
		if _, err := crash.Call(ctx, pool, "exit 3"); err == nil {
			t.Fatal("a worker that exits succeeded")
		}
		out := mustMap(t, getState, pool, make([]struct{}, 50))
		if slices.ContainsFunc(out, func(v int64) bool { return v != 7 }) {
			t.Fatalf("an element ran before Init: %v", out)
		}
		if err := pool.Ready(ctx); err != nil {
			t.Fatal(err)
		}
	}
}
