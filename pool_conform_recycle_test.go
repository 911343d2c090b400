//go:build linux

package mp_test

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp"
)

// whoami returns its argument and the process that has seen it.
var whoami = mp.Func("whoami", func(_ context.Context, i int) ([2]int, error) { return [2]int{i, os.Getpid()}, nil })

// T119, T318, W32, H09: with a backlog, and workers that are replaced after few elements, or after each, every element has its result, no
// process has run more than it may, and the number of workers stays.
func TestRecycledWorkersFinishTheBacklog(t *testing.T) {
	noLeaks(t)
	for _, c := range []struct{ workers, limit, n int }{{3, 10, 100}, {1, 2, 6}, {2, 2, 8}, {2, 1, 20}} {
		pool := newPool(t, mp.PoolConfig{Workers: c.workers, MaxTasks: c.limit})
		in := make([]int, c.n)
		for i := range in {
			in[i] = i
		}
		ran := make(map[int]int)
		for i, out := range mustMap(t, whoami, pool, in) {
			if out[0] != i {
				t.Errorf("element %d is %d", i, out[0])
			}
			ran[out[1]]++
		}
		for pid, n := range ran {
			if n > c.limit {
				t.Errorf("%+v: process %d ran %d elements", c, pid, n)
			}
		}
		if err := pool.Ready(ctx); err != nil || len(pool.Workers()) != c.workers {
			t.Errorf("%+v: %v, %+v", c, err, pool.Workers())
		}
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	}
}

// T315: with one worker and a limit of three, three calls run in one process, and the fourth in another.
func TestRecyclingCountsCalls(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 1, MaxTasks: 3})
	var ran []int
	for i := range 7 {
		out, err := whoami.Call(ctx, pool, i)
		if err != nil {
			t.Fatal(err)
		}
		ran = append(ran, out[1])
	}
	if ran[0] != ran[1] || ran[1] != ran[2] || ran[2] == ran[3] || ran[3] != ran[5] || ran[5] == ran[6] {
		t.Errorf("the calls ran in %v", ran)
	}
}

// T317, T319, T341, T342: a pool that is closed while its workers come to their limit finishes what it has accepted, one failure
// among it; and one that is killed ends.
func TestCloseWhileWorkersAreRecycled(t *testing.T) {
	noLeaks(t)
	for _, workers := range []int{1, 2, 3, 4} {
		pool := newPool(t, mp.PoolConfig{Workers: workers, MaxTasks: 1})
		futures := goAll(odd, pool, 0, 2, 1, 4, 6, 8)
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
		for i, r := range mp.AsCompleted(ctx, futures...) {
			if want := []int{0, 2, 0, 4, 6, 8}[i]; r.Value != want || (r.Err != nil) != (i == 2) {
				t.Errorf("%d workers, call %d: %+v", workers, i, r)
			}
		}
	}
}

// T321: a pool that is killed while its workers come to their limit ends, starts nobody, and all that it had accepted has an outcome.
func TestKillWhileWorkersAreRecycled(t *testing.T) {
	noLeaks(t)
	for range 10 {
		pool := newPool(t, mp.PoolConfig{Workers: 2, MaxTasks: 1})
		futures := goAll(square, pool, make([]int, 50)...)
		_, _ = futures[0].Wait(ctx)
		if err := pool.Kill(); err != nil {
			t.Error(err)
		}
		for i, r := range mp.AsCompleted(ctx, futures...) {
			if r.Err != nil && !errors.Is(r.Err, mp.ErrClosed) {
				t.Errorf("call %d: %v", i, r.Err)
			}
		}
		if left := mp.ActiveChildren(); len(left) > 0 {
			t.Errorf("%+v", left)
		}
	}
}

// W32: while workers are replaced after each element, others are killed: with retries nobody notices.
func TestRecycledWorkersAreKilled(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2, MaxTasks: 2, Retries: 1000})
	n := 0
	for v, err := range square.Stream(ctx, pool, upTo(100)) {
		if v != n*n || err != nil {
			t.Fatal(n, v, err)
		}
		if n++; n%10 == 0 {
			for _, w := range pool.Workers() {
				if w.PID > 0 && w.State != "starting" {
					_ = syscall.Kill(w.PID, syscall.SIGKILL)
					break
				}
			}
		}
	}
	if n != 100 {
		t.Errorf("%d outcomes", n)
	}
}
