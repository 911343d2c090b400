//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp"
)

// hoarded is what hoard keeps for good.
var hoarded [][]byte

var (
	pidOf = mp.Func("pidOf", func(context.Context, int) (int, error) { return os.Getpid(), nil })

	// hoard keeps so many MiB for good, and tells its pid.
	hoard = mp.Func("hoard", func(_ context.Context, mib int) (int, error) {
		hoarded = append(hoarded, pattern(mib<<20))
		return os.Getpid(), nil
	})

	// unlucky fails until it was called so often; how it fails is said by the name.
	unlucky = mp.Func("unlucky", func(_ context.Context, u luck) (int, error) {
		n := 1
		for ; ; n++ { // each try takes one file
			f, err := os.OpenFile(filepath.Join(u.Dir, fmt.Sprint(u.Element, ".", n)), os.O_CREATE|os.O_EXCL, 0o600)
			if err == nil {
				f.Close()
				break
			}
		}
		if n > u.Fails {
			return n, nil
		}
		switch u.How {
		case "exit":
			os.Exit(3)
		case "panic":
			panic("unlucky")
		}
		return 0, errUnlucky
	})
)

type luck struct {
	Dir            string
	Element, Fails int
	How            string
}

var errUnlucky = errors.New("out of luck")

func init() { mp.RegisterError("errUnlucky", errUnlucky) }

// T119, T315, T318, W32: no worker runs more than MaxTasks elements, in whatever batches, no result is lost, and none comes twice.
func TestMaxTasks(t *testing.T) {
	for _, c := range []struct{ most, workers, n int }{{1, 2, 300}, {10, 3, 1000}, {3, 1, 100}, {1000, 2, 20_000}} {
		t.Run(fmt.Sprintf("%d with %d", c.most, c.workers), func(t *testing.T) {
			noLeaks(t)
			pool := newPool(t, mp.PoolConfig{Workers: c.workers, MaxTasks: c.most})
			pids, err := pidOf.Map(ctx, pool, slices.Repeat([]int{1}, c.n))
			if err != nil {
				t.Fatal(err)
			}
			ran := make(map[int]int)
			for _, pid := range pids {
				if ran[pid]++; ran[pid] > c.most {
					t.Fatalf("%d ran more than %d", pid, c.most)
				}
			}
			if s := pool.Stats(); s.Done != int64(c.n) || s.Failed != 0 || int(s.Restarts) < c.n/c.most-c.workers {
				t.Errorf("%+v", s)
			}
		})
	}
}

// With MaxTasks 1 each element has a process of its own, however many there are: MP_CHAOS=10000 is 100,000.
func TestChaosOneElementEach(t *testing.T) {
	noLeaks(t)
	n := 10 * kills(t, 20)
	pool := newPool(t, mp.PoolConfig{Workers: 2, MaxTasks: 1})
	i, ran := 0, make(map[int]int) // pids come again: after as many as there are, 4 million by default
	for pid, err := range pidOf.Stream(ctx, pool, upTo(n)) {
		if last, ok := ran[pid]; err != nil || (ok && i-last < 1000) {
			t.Fatalf("element %d ran in %d, as element %d did: %v", i, pid, last, err)
		}
		ran[pid] = i
		i++
	}
	if s := pool.Stats(); i != n || s.Done != int64(n) || s.Restarts < int64(n-2) || s.RestartsBy["MaxTasks"] != s.Restarts {
		t.Errorf("%d of %d: %+v", i, n, s)
	}
}

// Recycled workers run Exit, and their successors Init; the index stays.
func TestRecycledWorkersExit(t *testing.T) {
	noLeaks(t)
	dir := t.TempDir()
	log := filepath.Join(dir, "exits")
	pool := newPool(t, mp.PoolConfig{Workers: 1, MaxTasks: 5, Init: setup.With(7), Exit: teardown.With(log)})
	for range 20 {
		if n, err := getState.Call(ctx, pool, struct{}{}); err != nil || n != 7 {
			t.Fatal(n, err)
		}
	}
	for _, w := range pool.Workers() {
		if w.Index != 0 {
			t.Errorf("%+v", w)
		}
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(log); err != nil || len(b) == 0 {
		t.Errorf("%q, %v", b, err)
	}
}

// T317: a pool that is closed while its workers are used up still finishes what it has accepted.
func TestCloseWhileRecycling(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 3, MaxTasks: 1})
	var futures []*mp.Future[int]
	for range 30 {
		futures = append(futures, pidOf.Go(ctx, pool, 1))
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	seen := make(map[int]bool)
	for _, f := range futures {
		pid, err := f.Wait(ctx)
		if err != nil || seen[pid] {
			t.Errorf("%d, %v", pid, err)
		}
		seen[pid] = true
	}
}

// W32, W33: a worker that grew too large is replaced, and nothing is lost. One that is too large from the start runs an element each time.
func TestMaxRSS(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 1, MaxRSS: 100 << 20})
	first, err := hoard.Call(ctx, pool, 10)
	if err != nil {
		t.Fatal(err)
	}
	if same, err := pidOf.Call(ctx, pool, 0); err != nil || same != first {
		t.Fatalf("%d after %d, %v", same, first, err)
	}
	if _, err := hoard.Call(ctx, pool, 120); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the worker is replaced", func() bool {
		pid, err := pidOf.Call(ctx, pool, 0)
		if err != nil {
			t.Fatal(err)
		}
		return pid != first
	})
}

// W32: a worker that is old is replaced though it never has anything to do, and though it always has.
func TestMaxAge(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2, MaxAge: 100_000_000})
	before := pids(pool)
	eventually(t, "idle workers are replaced", func() bool { return !overlap(before, pids(pool)) })
	before = pids(pool)
	eventually(t, "busy workers are replaced", func() bool {
		if _, err := work.Map(ctx, pool, slices.Repeat([]int{100}, 100)); err != nil {
			t.Fatal(err)
		}
		return !overlap(before, pids(pool))
	})
	if s := pool.Stats(); s.Failed != 0 {
		t.Errorf("%+v", s)
	}
}

func pids(p *mp.Pool) (list []int) {
	for _, w := range p.Workers() {
		list = append(list, w.PID)
	}
	return list
}

func overlap(a, b []int) bool {
	return slices.ContainsFunc(a, func(x int) bool { return slices.Contains(b, x) })
}

// Resize while maps run and workers are killed: each element has one outcome, and at the end there are as many workers as asked for.
func TestResize(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 1, Retries: 1000})
	var maps sync.WaitGroup
	for range 3 {
		maps.Go(func() {
			in := make([]int, 3000)
			for i := range in {
				in[i] = i
			}
			out, err := square.Map(ctx, pool, in)
			for i := range out {
				if out[i] != i*i {
					t.Errorf("%d: %d", i, out[i])
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	for i, n := range []int{4, 2, 6, 1, 3} {
		if err := pool.Resize(ctx, n); err != nil {
			t.Fatal(err)
		}
		if got := len(pool.Workers()); got != n {
			t.Errorf("%d workers of %d", got, n)
		}
		if w := pool.Workers()[0]; i%2 == 0 && w.PID > 0 {
			_ = syscall.Kill(w.PID, syscall.SIGKILL)
		}
	}
	maps.Wait()
	if err := pool.Ready(ctx); err != nil {
		t.Error(err)
	}
	if n := len(mp.ActiveChildren()); n < 3 {
		t.Errorf("%d children", n)
	}
	for _, n := range []int{0, -1} {
		if err := pool.Resize(ctx, n); err == nil {
			t.Errorf("Resize(%d)", n)
		}
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if err := pool.Resize(canceled, 5); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	eventually(t, "it is as it was", func() bool { return len(pool.Workers()) == 3 })
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
	if err := pool.Resize(ctx, 5); !errors.Is(err, mp.ErrClosed) {
		t.Error(err)
	}
}

// T313, T314, T337: workers end when there is nothing to do, and are started when there is more to do than workers; one is enough for one
// call after the other.
func TestIdleWorkersEnd(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 4, IdleTimeout: 100_000_000, MinWorkers: 1})
	live := func() (n int) {
		for _, w := range pool.Workers() {
			if w.State != "parked" {
				n++
			}
		}
		return n
	}
	if n := live(); n != 1 {
		t.Errorf("%d workers at first", n)
	}
	for range 10 {
		if _, err := square.Call(ctx, pool, 3); err != nil {
			t.Fatal(err)
		}
	}
	if n := live(); n != 1 {
		t.Errorf("%d workers for one call at a time", n)
	}
	var four []*mp.Future[int]
	calls, cancel := context.WithCancel(ctx)
	for range 4 {
		four = append(four, wait.Go(calls, pool, 0))
	}
	eventually(t, "all four run", func() bool { return pool.Stats().Running == 4 })
	cancel()
	for _, f := range four {
		_, _ = f.Wait(ctx)
	}
	eventually(t, "one is left", func() bool { return live() == 1 && len(mp.ActiveChildren()) == 1 })
	if n, err := square.Call(ctx, pool, 3); err != nil || n != 9 {
		t.Error(n, err)
	}
}

// An element is run again after a death, a panic or an error, of one budget; when that is used up, its last end is its outcome, and the
// others have theirs. W01: the error names the element and the attempts.
func TestRetriesAreOneBudget(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2, Retries: 2, RetryIf: func(err error) bool {
		var p *mp.PanicError
		return errors.Is(err, errUnlucky) || errors.As(err, &p)
	}})
	for _, how := range []string{"exit", "panic", "error"} {
		var in []luck
		dir := t.TempDir()
		for i := range 20 {
			in = append(in, luck{Dir: dir, Element: i, Fails: i % 4, How: how})
		}
		for i, r := range unlucky.Results(ctx, pool, slices.Values(in)) {
			switch want := i%4 + 1; {
			case want <= 3 && (r.Err != nil || r.Value != want):
				t.Errorf("%s: element %d: %v, %v", how, i, r.Value, r.Err)
			case want > 3 && r.Err == nil:
				t.Errorf("%s: element %d has no error", how, i)
			case want > 3 && how == "exit":
				var w *mp.WorkerError
				if !errors.As(r.Err, &w) || w.Attempts != 3 || w.Index != i || !strings.Contains(w.Error(), "attempt 3") {
					t.Errorf("element %d: %+v", i, r.Err)
				}
			}
		}
	}
	if s := pool.Stats(); s.Retried != 3*(5+10+10) {
		t.Errorf("%+v", s)
	}
	if _, err := unlucky.Call(ctx, pool, luck{t.TempDir(), 1, 1, "error"}, mp.RetryIf(func(error) bool { return false })); !errors.Is(err, errUnlucky) {
		t.Error(err)
	}
}
