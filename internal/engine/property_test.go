package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

// A fate is what an element does when it runs.
type fate int

const (
	succeeds fate = iota
	fails
	dies  // its worker exits
	heeds // runs until its context ends
	deaf  // runs for ever
)

// A life runs elements on a fake as their fates say, until it is told to finish or is killed.
type life struct {
	fate  func(payload []byte) (fate, time.Duration)
	begun func(payload []byte)
}

const runSize = 8

func (l life) serve(p *fake) {
	p.up()
	answered, told := uint64(0), uint64(0)
	var held []byte // results that are to be reported together
	report := func() {
		if n := len(held) / runSize; n > 0 && p.results(n, runSize, held) != nil {
			panic("results that nobody expects")
		}
		held = held[:0]
	}
	tell := func() {
		report()
		if told != answered {
			told = answered
			p.progress()
		}
	}
	for {
		_, arg, ok := p.begin()
		if !ok {
			if get(p, func(p *fake) bool { return p.finish }) {
				p.die(exited(0))
				return
			}
			tell() // if what was to come next is taken back
			select {
			case <-p.work:
				continue
			case <-p.killed:
				return
			}
		}
		l.begun(arg)
		f, d := l.fate(arg)
		if f >= dies || d > 0 {
			tell() // a port looks within milliseconds
		}
		status := abi.StatusOK
		switch f {
		case fails:
			status = abi.StatusError
		case dies:
			p.die(exited(7))
			return
		case heeds:
			if !p.awaitCancel(answered) {
				return
			}
			status = abi.StatusError
		case deaf:
			<-p.killed
			return
		}
		if d > 0 {
			select {
			case <-time.After(d):
			case <-p.killed:
				return
			}
		}
		if status == abi.StatusOK && len(arg) == runSize {
			held = append(held, arg...)
		} else if report(); p.result(status, arg) != nil {
			panic("a result that nobody expects")
		}
		answered++
		if answered%3 == 0 || p.has() == 0 {
			tell()
		}
	}
}

// awaitCancel waits until the element of this number is cancelled, and reports false if the worker is killed first.
func (p *fake) awaitCancel(number uint64) bool {
	for {
		if get(p, func(p *fake) bool {
			for _, c := range p.cancels {
				if c.number == number {
					return true
				}
			}
			return false
		}) {
			return true
		}
		select {
		case <-p.work:
		case <-p.killed:
			return false
		}
	}
}

// Random jobs with random faults on workers that die, hang and fail: each element has exactly one outcome, and it is the one
// that its fate allows; none runs more often than it may; the engine ends clean, closed in order or killed.
func TestRandomFaults(t *testing.T) {
	inRounds(t, randomFaults)
}

// inRounds runs a random test many times, each in a bubble of its own, and tells the seed.
func inRounds(t *testing.T, test func(t *testing.T, rng *rand.Rand)) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	for round := range rounds {
		if t.Run(fmt.Sprint(round), func(t *testing.T) {
			bubble(t, func(t *testing.T) { test(t, rand.New(rand.NewPCG(seed, uint64(round)))) })
		}); t.Failed() {
			t.Fatalf("round %d of seed %d", round, seed)
		}
	}
}

func randomFaults(t *testing.T, rng *rand.Rand) {
	salt, nasty := rng.Uint64(), 1+rng.Uint64N(20)
	fateOf := func(payload []byte) (fate, time.Duration) {
		h := rand.New(rand.NewPCG(salt, binary.LittleEndian.Uint64(payload)))
		d := time.Duration(h.Int64N(3)) * time.Duration(h.Int64N(int64(2*time.Millisecond)))
		if h.Uint64N(100) < nasty {
			return fate(1 + h.IntN(4)), d
		}
		return succeeds, d
	}
	var runs sync.Map // payload -> *atomic.Int64
	count := func(payload []byte) *atomic.Int64 {
		n, _ := runs.LoadOrStore(binary.LittleEndian.Uint64(payload), new(atomic.Int64))
		return n.(*atomic.Int64)
	}
	f := &farm{t: t}
	l := life{fate: fateOf, begun: func(arg []byte) { count(arg).Add(1) }}
	f.start = func(p *fake) error { go l.serve(p); return nil }
	c := f.config(1 + rng.IntN(4))
	if rng.IntN(3) == 0 {
		c.MaxTasks = 1 + rng.Int64N(30)
	}
	if rng.IntN(4) == 0 {
		c.MaxAge = time.Duration(1 + rng.Int64N(int64(50*time.Millisecond)))
	}
	if rng.IntN(4) == 0 {
		c.IdleTimeout, c.MinWorkers = time.Duration(1+rng.Int64N(int64(50*time.Millisecond))), rng.IntN(3)
	}
	e := newEngine(t, c)
	var wg sync.WaitGroup
	if rng.IntN(3) == 0 {
		wg.Go(func() {
			for range 5 {
				<-time.After(time.Duration(rand.Int64N(int64(30 * time.Millisecond))))
				if err := e.Resize(context.Background(), 1+rand.IntN(5)); err != nil && !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
			}
		})
	}
	for k := range 1 + rng.IntN(5) {
		r := &randomJob{t: t, e: e, n: 1 + rng.Int64N(200), base: uint64(k) << 32, fate: fateOf, runs: count}
		r.job, r.out = job("f")
		r.job.Retries, r.job.Fixed = rng.IntN(3), rng.IntN(2) == 0
		r.job.Timeout = 20*time.Millisecond + time.Duration(rng.Int64N(int64(time.Second)))
		if rng.IntN(2) == 0 {
			r.job.Chunk = 1 + rng.IntN(30)
		}
		if rng.IntN(4) == 0 {
			r.leave = time.Duration(rng.Int64N(int64(100 * time.Millisecond)))
		}
		if rng.IntN(2) == 0 {
			r.job.Priority = rng.IntN(5) - 2
		}
		if rng.IntN(4) == 0 {
			r.job.Key = fmt.Sprint(rng.IntN(5))
		}
		if rng.IntN(5) == 0 {
			r.job.Retries = 0 // with the worker of a lease all is lost
			wg.Go(r.runLeased)
		} else {
			wg.Go(r.run)
		}
	}
	if rng.IntN(4) == 0 {
		<-time.After(time.Duration(rng.Int64N(int64(50 * time.Millisecond))))
		e.Kill()
	}
	wg.Wait()
	if err := e.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if s := e.Stats(); s.Queued != 0 || s.Running != 0 {
		t.Errorf("at the end: %+v", s)
	}
	if err := e.Begin(&Job{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Begin after the end: %v", err)
	}
}

// A randomJob is a job that is added in pieces, and perhaps left early.
type randomJob struct {
	t     *testing.T
	e     *Engine
	job   *Job
	out   *outcomes
	n     int64
	base  uint64
	leave time.Duration
	fate  func([]byte) (fate, time.Duration)
	runs  func([]byte) *atomic.Int64
}

// runLeased runs the job on a worker of its own.
func (r *randomJob) runLeased() {
	l, err := r.e.Lease(context.Background())
	if err != nil {
		if !errors.Is(err, ErrClosed) {
			r.t.Error(err)
		}
		return
	}
	defer l.Release()
	r.job.Lease = l
	r.run()
}

func (r *randomJob) payload(i int64) []byte {
	return binary.LittleEndian.AppendUint64(nil, r.base+uint64(i))
}

func (r *randomJob) run() {
	done := make(chan struct{})
	var left atomic.Int64
	left.Store(r.n)
	var once sync.Once
	finish := func() { once.Do(func() { close(done) }) }
	deliver, abort := r.job.Deliver, r.job.Abort
	r.job.Encode = func(dst []byte, i int64) ([]byte, error) { return append(dst, r.payload(i)...), nil }
	r.job.Deliver = deliver
	if r.base>>32%2 == 0 {
		withRuns(r.job, runSize)
	}
	r.job.Delivered = func(n int64) {
		if left.Add(-n) == 0 {
			finish()
		}
	}
	r.job.Abort = func(f *Failure) { abort(f); finish() }
	if err := r.e.Begin(r.job); err != nil {
		if !errors.Is(err, ErrClosed) && !errors.Is(err, errLease) {
			r.t.Error(err)
		}
		return
	}
	for added := int64(0); added < r.n; {
		k := min(r.n-added, 1+added)
		r.e.Add(r.job, k)
		added += k
	}
	patience := time.Hour // on the bubble's clock; what has no outcome by then will never have one
	if r.leave > 0 {
		patience = r.leave
	}
	select {
	case <-done:
	case <-time.After(patience):
		if r.leave == 0 {
			r.t.Errorf("no end of it: %+v", r.e.Stats())
		}
	}
	r.e.End(r.job)
	r.check()
}

func (r *randomJob) check() {
	r.out.mu.Lock()
	defer r.out.mu.Unlock()
	if len(r.out.aborted) == 0 && r.leave == 0 && int64(len(r.out.got)) != r.n {
		r.t.Errorf("%d outcomes of %d", len(r.out.got), r.n)
	}
	for i, list := range r.out.got {
		if len(list) != 1 {
			r.t.Errorf("element %d has %d outcomes", i, len(list))
		}
		r.explain(i, list[0])
	}
	for i := range r.n {
		if n := r.runs(r.payload(i)).Load(); n > int64(1+r.job.Retries) {
			r.t.Errorf("element %d was run %d times, with %d retries", i, n, r.job.Retries)
		}
	}
}

// explain checks that an outcome is one that the element's fate allows.
func (r *randomJob) explain(i int64, got Result) {
	f, _ := r.fate(r.payload(i))
	ok := false
	switch why := got.Failure; {
	case why == nil:
		ok = got.Status == abi.StatusOK && f == succeeds || got.Status == abi.StatusError && f == fails
		ok = ok && string(got.Payload) == string(r.payload(i))
	case why.Reason == Died:
		ok = f == dies && why.Exit.Code == 7 && why.Attempts == 1+r.job.Retries
	case why.Reason == TimedOut:
		ok = f == heeds && !why.Killed || f == deaf && why.Killed && why.Attempts == 1+r.job.Retries
	}
	if !ok {
		r.t.Errorf("element %d, whose fate is %d: %+v, %+v", i, f, got, got.Failure)
	}
}
