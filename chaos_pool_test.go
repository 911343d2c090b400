//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// A season is the life of one pool in the chaos test.
type season struct {
	t     *testing.T
	pool  *mp.Pool
	began time.Time
	log   []uint64
	keys  atomic.Uint64

	outcomes atomic.Int64
	ending   atomic.Bool // the pool may be closed
	over     atomic.Bool

	killer
	hurt map[int]int // elements, by the worker that ended
}

// chaosSeed is MP_CHAOS_SEED, or a new one.
func chaosSeed(t *testing.T) uint64 {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("MP_CHAOS_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("MP_CHAOS_SEED=%d", seed)
	return seed
}

// T309, W01: pools live a season each, in which elements of all sizes come in all ways, while workers are killed and stopped, time runs out,
// maps are cancelled and left. Each element has one outcome, begins no more often than it may, and what goes wrong with it is
// explained by what was done to it or its worker. In the end all that is left is what was there before. MP_CHAOS is how many workers are
// killed (from 1000 on, with a thousand elements for each), or MP_CHAOS_TIME how long it takes; the same MP_CHAOS_SEED makes the same
// decisions, though not at the same moments.
func TestChaosPool(t *testing.T) {
	seed := chaosSeed(t)
	d, err := time.ParseDuration(os.Getenv("MP_CHAOS_TIME"))
	timed := err == nil
	begin, want, killed, outcomes := time.Now(), kills(t, 80), 0, int64(0)
	more := func() bool {
		if timed {
			return time.Since(begin) < d
		}
		return killed < want || want >= 1000 && outcomes < 1000*int64(want)
	}
	for n := 1; more(); n++ {
		lived := false // else -run asks for another season
		t.Run(fmt.Sprintf("season %d", n), func(t *testing.T) {
			lived = true
			k, o := live(t, seed, uint64(n))
			killed += k
			outcomes += o
		})
		if t.Failed() || !lived && n > 1000 {
			break
		}
	}
	t.Logf("MP_CHAOS_SEED=%d: %d outcomes, %d workers killed", seed, outcomes, killed)
}

// live is one season.
func live(t *testing.T, seed, number uint64) (killed int, outcomes int64) {
	noLeaks(t)
	rng := rand.New(rand.NewPCG(seed, number<<8))
	log, err := shared.NewArray[uint64](gustWords)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Free() }()
	c := climate(rng)
	t.Logf("%d workers, MaxTasks %d, MaxAge %v, MaxRSS %d, IdleTimeout %v, MinWorkers %d, Window %d, WindowBytes %d, Grace %v, RetryIf %v",
		c.Workers, c.MaxTasks, c.MaxAge, c.MaxRSS, c.IdleTimeout, c.MinWorkers, c.Window, c.WindowBytes, c.Grace, c.RetryIf != nil)
	c.Init = setGustLog.With(log)
	s := &season{t: t, pool: newPool(t, c), log: log.Slice(), hurt: make(map[int]int), began: time.Now()}
	s.killed = make(map[int]bool)
	still := s.watch(seed)
	defer still()

	var loads, weather sync.WaitGroup
	for i, load := range chaosLoads {
		rng := rand.New(rand.NewPCG(seed, number<<8|uint64(i+1)))
		loads.Go(func() {
			for late := 0; late < 3 && !s.over.Load() && !t.Failed(); {
				load(s, rng)
				if s.ending.Load() {
					late++
				}
			}
		})
	}
	stopped := make(chan struct{})
	weather.Go(func() { s.harm(rand.New(rand.NewPCG(seed, number<<8|100)), stopped) })
	weather.Go(func() { s.resize(rand.New(rand.NewPCG(seed, number<<8|101)), stopped) })
	end := time.Duration(200+rng.IntN(1500)) * time.Millisecond
	<-time.After(end)
	how := "after all"
	if rng.IntN(2) == 0 {
		how = s.close(rng)
	}
	s.over.Store(true)
	loads.Wait()
	close(stopped)
	weather.Wait()
	s.settled(how)
	return len(s.killed), s.outcomes.Load()
}

// climate is what a season's pool is to be.
func climate(rng *rand.Rand) mp.PoolConfig {
	c := mp.PoolConfig{Workers: 1 + rng.IntN(4), Grace: time.Duration(1+rng.IntN(20)) * time.Millisecond}
	if rng.IntN(3) == 0 {
		c.Window = 1 + rng.IntN(100)
	}
	if rng.IntN(3) == 0 {
		c.WindowBytes = 1 << 20
	}
	if rng.IntN(3) == 0 {
		c.MaxTasks = 1 + rng.IntN(500)
	}
	if rng.IntN(3) == 0 {
		c.MaxAge = time.Duration(20+rng.IntN(200)) * time.Millisecond
	}
	if rng.IntN(4) == 0 {
		c.MaxRSS = int64(15+rng.IntN(20)) << 20
	}
	if rng.IntN(3) == 0 {
		c.IdleTimeout, c.MinWorkers = time.Duration(1+rng.IntN(20))*time.Millisecond, rng.IntN(2)
	}
	if rng.IntN(3) == 0 {
		c.RetryIf = func(err error) bool { _, ok := errors.AsType[*mp.RemoteError](err); return ok }
	}
	return c
}

// resize makes the pool larger and smaller; at times it is in a hurry.
func (s *season) resize(rng *rand.Rand, over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case <-time.After(time.Duration(1+rng.IntN(300)) * time.Millisecond):
		}
		c, cancel := context.WithCancel(ctx)
		if rng.IntN(2) == 0 {
			time.AfterFunc(time.Duration(rng.IntN(10))*time.Millisecond, cancel)
		}
		err := s.pool.Resize(c, 1+rng.IntN(5))
		if err != nil && !errors.Is(err, c.Err()) && (!s.ending.Load() || !errors.Is(err, mp.ErrClosed)) {
			s.t.Errorf("Resize: %v", err)
		}
		cancel()
	}
}

// harm kills workers, one or all, and stops some for a while.
func (s *season) harm(rng *rand.Rand, over <-chan struct{}) {
	pause := []int{5, 20, 100}[rng.IntN(3)]
	for {
		if s.over.Load() || s.ending.Load() { // what is under way may end
			pause = 300
		}
		select {
		case <-over:
			return
		case <-time.After(time.Duration(1+rng.IntN(pause)) * time.Millisecond):
		}
		switch rng.IntN(20) {
		case 0:
			for range s.pool.Workers() {
				s.kill(s.pool, rng)
			}
		case 1:
			workers := s.pool.Workers()
			if len(workers) == 0 {
				continue
			}
			if w := workers[rng.IntN(len(workers))]; w.PID > 0 && syscall.Kill(w.PID, syscall.SIGSTOP) == nil {
				<-time.After(time.Duration(rng.IntN(50)) * time.Millisecond)
				_ = syscall.Kill(w.PID, syscall.SIGCONT) // it may be gone
			}
		default:
			s.kill(s.pool, rng)
		}
	}
}

// close ends the pool in the middle of everything.
func (s *season) close(rng *rand.Rand) (how string) {
	s.ending.Store(true)
	var err error
	switch rng.IntN(3) {
	case 0:
		how, err = "Close", s.pool.Close()
	case 1:
		c, cancel := context.WithTimeout(ctx, time.Duration(rng.IntN(30))*time.Millisecond)
		defer cancel()
		if how, err = "Stop", s.pool.Stop(c); errors.Is(err, context.DeadlineExceeded) {
			err = nil
		}
	default:
		how, err = "Kill", s.pool.Kill()
	}
	if err != nil {
		s.t.Errorf("%s: %v", how, err)
	}
	return how
}

// settled checks the pool when nobody uses it any more.
func (s *season) settled(how string) {
	st := s.pool.Stats()
	s.t.Logf("%s after %v: %d outcomes, %d killed, %d hurt; %d done, %d failed, %d retried, %d restarts", how, time.Since(s.began),
		s.outcomes.Load(), len(s.killed), len(s.hurt), st.Done, st.Failed, st.Retried, st.Restarts)
	if n := int64(st.Queued+st.Running) + st.Done + st.Failed + st.Cancelled; st.Accepted != n {
		s.t.Errorf("%d elements were accepted, and %d are told of: %+v", st.Accepted, n, st)
	}
	if !s.ending.Load() {
		if err := s.pool.Ready(ctx); err != nil {
			s.t.Errorf("the pool did not heal: %v", err)
		}
		r := &round{retries: 10, gusts: []gust{{Key: s.keys.Add(1)}}}
		out, err := blow.Call(ctx, s.pool, r.gusts[0], mp.Retries(r.retries))
		s.judge(r, 0, out, err)
		eventually(s.t, "nothing is left of what was cancelled", func() bool {
			st := s.pool.Stats()
			return st.Queued+st.Running == 0
		})
	}
}

// watch ends the program with what there is to know when for a minute there was no outcome.
func (s *season) watch(seed uint64) (stop func()) {
	done := make(chan struct{})
	go func() {
		last := s.outcomes.Load()
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			now := s.outcomes.Load()
			if now == last {
				fmt.Fprintf(os.Stderr, "chaos: %s hangs with MP_CHAOS_SEED=%d: %+v\n%s", s.t.Name(), seed, s.pool.Stats(), situation())
				os.Exit(2)
			}
			last = now
		}
	}()
	return func() { close(done) }
}
