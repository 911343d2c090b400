//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// A poolLife opens, uses and ends one pool.
type poolLife struct {
	t    *testing.T
	rng  *rand.Rand
	seed string
	pool *mp.Pool
}

func (l *poolLife) fail(format string, args ...any) {
	l.t.Errorf("%s: %s", l.seed, fmt.Sprintf(format, args...))
}

// live is the life of a pool from its beginning to its end, and tells how it ended.
func (l *poolLife) live() (how string) {
	count, err := shared.NewValue(int64(0))
	if err != nil {
		l.fail("%v", err)
		return "not at all"
	}
	defer func() { _ = count.Free() }()
	c := mp.PoolConfig{Workers: 1 + l.rng.IntN(2), Init: setTurnstile.With(count)}
	if l.rng.IntN(4) == 0 {
		c.IdleTimeout = time.Duration(1+l.rng.IntN(20)) * time.Millisecond
	}
	if l.pool, err = mp.NewPool(c); err != nil {
		l.fail("%v", err)
		return "not at all"
	}
	n := 1 + l.rng.IntN(200)
	in := make([]uint64, n)
	for i := range in {
		in[i] = l.rng.Uint64()
	}
	s := &soak{t: l.t, pool: l.pool}
	soakWays[l.rng.IntN(len(soakWays))].run(s, in)
	if right := s.right.Load(); right != int64(n) || count.Load() != right {
		l.fail("of %d elements %d had the right outcome, and %d were run", n, right, count.Load())
	}
	if l.rng.IntN(3) == 0 { // somebody is at work when it ends
		busy := make(chan struct{})
		defer func() { <-busy }()
		// What was accepted Close finishes, so the input ends about when the pool does.
		var ending atomic.Bool
		endless := func(yield func(uint64) bool) {
			for x := uint64(0); yield(x) && !ending.Load(); x++ {
			}
		}
		time.AfterFunc(time.Duration(l.rng.IntN(2000))*time.Microsecond, func() { ending.Store(true) })
		go func() {
			defer close(busy)
			for _, r := range scatter.Results(ctx, l.pool, endless) {
				if r.Err == nil {
					continue
				}
				if we, ok := errors.AsType[*mp.WorkerError](r.Err); !errors.Is(r.Err, mp.ErrClosed) && !ok {
					l.fail("an element of a pool that ends: %v", r.Err)
				} else if ok {
					l.fail("an element was lost with its worker, which nobody hurt: %v", we)
				}
			}
		}()
	}
	return l.end()
}

// end ends the pool in one of the ways there are, at times in several at once.
func (l *poolLife) end() (how string) {
	switch l.rng.IntN(6) {
	case 0:
		if err := l.pool.Kill(); err != nil {
			l.fail("Kill: %v", err)
		}
		return "Kill"
	case 1:
		c, cancel := context.WithTimeout(ctx, time.Duration(l.rng.IntN(5))*time.Millisecond)
		defer cancel()
		if err := l.pool.Stop(c); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			l.fail("Stop: %v", err)
		}
		return "Stop"
	case 2:
		var all sync.WaitGroup
		for _, end := range []func() error{l.pool.Close, l.pool.Kill, l.pool.Close} {
			all.Go(func() {
				if err := end(); err != nil {
					l.fail("of three at a time: %v", err)
				}
			})
		}
		all.Wait()
		return "three at a time"
	default:
		if err := l.pool.Close(); err != nil {
			l.fail("Close: %v", err)
		}
		return "Close"
	}
}

// TestEndurancePools: MP_POOLS pools (30 if it is not set) are opened, used and ended, three at a time, in all ways to end them. Nothing of
// them is left: what this process weighs after the last is what it weighed after the first few. MP_CHAOS_SEED makes the same decisions.
func TestEndurancePools(t *testing.T) {
	noLeaks(t)
	seed, want := chaosSeed(t), enduring("MP_POOLS", 30)
	const atATime = 3
	var mu sync.Mutex
	ends := make(map[string]int)
	began := time.Now()
	run := func(from, to int) {
		var next atomic.Int64
		next.Store(int64(from))
		var all sync.WaitGroup
		for range atATime {
			all.Go(func() {
				for n := next.Add(1) - 1; n < int64(to) && !t.Failed(); n = next.Add(1) - 1 {
					how := (&poolLife{t: t, rng: rand.New(rand.NewPCG(seed, uint64(n))), seed: fmt.Sprintf("MP_CHAOS_SEED=%d pool %d", seed, n)}).live()
					mu.Lock()
					ends[how]++
					mu.Unlock()
				}
			})
		}
		all.Wait()
	}
	warm := max(10, min(200, want/10))
	run(0, warm)
	before := scales(t)
	for from := warm; from < want && !t.Failed(); from += 500 {
		run(from, min(want, from+500))
		if want >= 1000 { // the long form
			fmt.Fprintf(os.Stderr, "%d pools after %v: %v\n", min(want, from+500), time.Since(began).Round(time.Second), scales(t))
		}
	}
	t.Logf("%d pools in %v: %v", want, time.Since(began).Round(time.Millisecond), ends)
	grown(t, before)
}
