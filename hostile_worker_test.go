//go:build linux

package mp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

type attackOrder struct {
	X     int
	Evil  bool
	Arena bool
	Seed  uint64
	Pad   []byte
}

// hostileServe does as asked. In the worker of index 0, if it is told so, everything is attacked that the worker can reach, from then on.
var hostileServe = mp.Func("hostileServe", func(ctx context.Context, o attackOrder) (attackOrder, error) {
	if o.Evil && mp.Current().Worker == 0 && attacking.CompareAndSwap(false, true) {
		if o.Arena {
			if _, err := shared.Stats(); err != nil { // which maps it
				return o, err
			}
		}
		if err := attack(o.Seed+uint64(o.X), o.Arena); err != nil {
			return o, err
		}
	}
	mp.ReportProgress(ctx, 0.5)
	return attackOrder{X: o.X * o.X, Pad: o.Pad}, nil
})

var attacking atomic.Bool

// hostileTime is how long each of the attacks goes on: a moment, or a tenth of what other chaos tests take.
func hostileTime() time.Duration { return max(2*time.Second, chaosTime()/10) }

// A siege is a pool whose worker of index 0 attacks.
type siege struct {
	fail  func(format string, args ...any)
	pool  *mp.Pool
	seed  uint64
	arena bool
	wrong atomic.Int64 // elements of the worker that attacks, without the result that they should have
}

// newSiege makes everything listen that a worker can talk to.
func newSiege(seed uint64, noArena, arena bool, fail func(string, ...any)) (*siege, error) {
	pool, err := mp.NewPool(mp.PoolConfig{
		Workers: 3, NoArena: noArena, TaskTimeout: 300 * time.Millisecond, Grace: 10 * time.Millisecond, MemoryLimit: 1 << 30,
		Stdout: io.Discard, Stderr: io.Discard,
		Logger:   slog.New(slog.NewTextHandler(nowhere{}, &slog.HandlerOptions{AddSource: true})), // which asks where each record was made
		Observer: func(mp.Event) {},
	})
	return &siege{fail: fail, pool: pool, seed: seed, arena: arena}, err
}

// nowhere is io.Discard, of which a handler does not know that nothing need be formatted.
type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }

// round is maps of small and of large elements and calls, at the same time. It returns when each has its outcome.
func (s *siege) round(n uint64) {
	var wg sync.WaitGroup
	wg.Go(func() { s.storm(s.seed+n, 1000, 0) })
	wg.Go(func() { s.storm(s.seed+n, 20, 700_000) })
	wg.Go(func() { s.storm(s.seed+n, 3, 9_000_000) })
	wg.Go(func() {
		for i := range 50 {
			_, _ = square.Call(ctx, s.pool, i) // whose worker it was is not known; that it ends is the point
		}
	})
	wg.Go(func() {
		c, cancel := context.WithTimeout(ctx, 100*time.Millisecond) // for it may never answer
		defer cancel()
		_, _ = s.pool.Stacks(c, 0)
		_ = s.pool.Stats()
	})
	wg.Wait()
}

// storm runs n elements, some of which begin attacks, and checks those of the workers that do not attack.
func (s *siege) storm(seed uint64, n, size int) {
	pad := pattern(size)
	var mu sync.Mutex
	by := make(map[int]int) // worker by element
	outcomes := make([]int, n)
	for i, r := range hostileServe.Results(ctx, s.pool, func(yield func(attackOrder) bool) {
		for i := range n {
			if !yield(attackOrder{X: i, Evil: i%10 == 3 || n < 10, Arena: s.arena, Seed: seed, Pad: pad}) {
				return
			}
		}
	}, mp.Observe(func(e mp.Event) {
		mu.Lock()
		defer mu.Unlock()
		by[e.Index] = e.Worker
	})) {
		if i < 0 || i >= n {
			s.fail("an outcome of element %d of %d", i, n)
			return
		}
		outcomes[i]++
		right := r.Err == nil && r.Value.X == i*i && bytes.Equal(r.Value.Pad, pad)
		mu.Lock()
		worker := by[i]
		mu.Unlock()
		if _, late := errors.AsType[*mp.TimeoutError](r.Err); right || late { // the machine has other things to do
			continue
		}
		if worker != 0 {
			s.fail("element %d, run by worker %d: %d and %d bytes, %v", i, worker, r.Value.X, len(r.Value.Pad), r.Err)
		}
		s.wrong.Add(1)
	}
	for i, c := range outcomes {
		if c != 1 {
			s.fail("element %d has %d outcomes", i, c)
		}
	}
}

// heal ends the attacks, and checks that the pool is as good as new.
func (s *siege) heal() error {
	for range 20 { // at most: the successor of one that attacks is not told to
		if p, err := os.FindProcess(s.pool.Workers()[0].PID); err == nil {
			_ = p.Kill()
		}
		if err := s.pool.Ready(ctx); err != nil {
			return err
		}
		in := make([]int, 100)
		for i := range in {
			in[i] = i
		}
		if out, err := square.Map(ctx, s.pool, in); err == nil && out[99] == 99*99 {
			return nil
		}
	}
	return errors.New("the pool does not heal")
}

// heap is what this process has in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A worker attacks everything that it shares with its parent: its whole channel, both sockets, its streams and its crash report.
// The parent neither panics nor hangs nor grows, every element has one outcome, what other workers ran is right, the pool heals, and nothing is
// left behind. MP_CHAOS_TIME is ten times what it takes, MP_CHAOS_SEED makes the same attacks, though not at the same moments.
func TestHostileWorker(t *testing.T) {
	for _, noArena := range []bool{false, true} {
		t.Run(fmt.Sprintf("NoArena %t", noArena), func(t *testing.T) {
			noLeaks(t)
			seed := chaosSeed(t)
			s, err := newSiege(seed, noArena, false, t.Errorf)
			if err != nil {
				t.Fatal(err)
			}
			var before int64
			rounds := uint64(0)
			for begin := time.Now(); time.Since(begin) < hostileTime() && !t.Failed(); rounds++ {
				if s.round(rounds); rounds == 1 {
					before = heap()
				}
			}
			if rounds < 2 {
				before = heap()
			}
			if err := s.heal(); err != nil {
				t.Error(err)
			}
			if grown := heap() - before; grown > 64<<20 {
				t.Errorf("the heap has grown by %d bytes", grown)
			}
			st := s.pool.Stats() // none where what was attacked is nothing that kills
			t.Logf("%d rounds, %d elements without the right result, %d restarts", rounds, s.wrong.Load(), st.Restarts)
			if err := s.pool.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func init() { roles["hostile arena"] = hostileArena }

// A worker that has the arena attacks that as well, in a family of its own. What becomes of its objects nobody can say; the parent lives,
// and its pools go on.
func TestHostileWorkerWithTheArena(t *testing.T) {
	noLeaks(t)
	seed := chaosSeed(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "MP_TEST_ROLE=hostile arena", "MP_TEST_SEED="+strconv.FormatUint(seed, 10))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "rounds") {
		t.Fatalf("%v\n%s", err, out[:min(len(out), 20<<10)])
	}
	t.Logf("%s", out)
}

// hostileArena is the process that is attacked.
func hostileArena() int {
	watchdog := time.AfterFunc(2*time.Minute+chaosTime(), func() { panic("it hangs\n" + situation()) })
	defer watchdog.Stop()
	seed, _ := strconv.ParseUint(os.Getenv("MP_TEST_SEED"), 10, 64)
	code := 0
	fail := func(format string, args ...any) {
		fmt.Printf(format+"\n", args...)
		code = 1
	}
	users := useShared(fail)
	s, err := newSiege(seed, false, true, fail)
	if err != nil {
		fail("%v", err)
		return code
	}
	apart, err := mp.NewPool(mp.PoolConfig{Workers: 2, NoArena: true})
	if err != nil {
		fail("%v", err)
		return code
	}
	rounds := uint64(0)
	for begin := time.Now(); time.Since(begin) < hostileTime() && code == 0; rounds++ {
		s.round(rounds)
		if x, err := square.Call(ctx, apart, 4); x != 16 || err != nil {
			fail("beside it: %d, %v", x, err)
		}
	}
	if err := s.heal(); err != nil {
		fail("%v", err)
	}
	st := s.pool.Stats()
	fmt.Printf("%d rounds, %d elements without the right result, %d restarts; %s\n", rounds, s.wrong.Load(), st.Restarts, users())
	if err := errors.Join(s.pool.Close(), apart.Close()); err != nil {
		fail("%v", err)
	}
	return code
}
