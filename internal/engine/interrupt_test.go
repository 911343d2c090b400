package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

// interruptedHere is an engine of two workers with five elements, of which two have begun when it is interrupted.
func interruptedHere(t *testing.T, c func(Config) Config) (*farm, *Engine, *Job, *outcomes) {
	t.Helper()
	f := &farm{t: t}
	e := newEngine(t, c(f.config(2)))
	j, out := job("f")
	begun(t, e, j, 5)
	synctest.Wait()
	beginAll(t, f)
	if !e.Interrupt() || e.Interrupt() {
		t.Error("the first Interrupt is the first, and no other")
	}
	return f, e, j, out
}

// beginAll begins an element on each worker, and orders the workers by what they began.
func beginAll(t *testing.T, f *farm) {
	t.Helper()
	first := make(map[*fake]int64)
	for _, p := range f.all {
		i, _, ok := p.begin()
		if !ok {
			t.Fatal("a worker has nothing to do")
		}
		first[p] = i
	}
	slices.SortFunc(f.all, func(p, q *fake) int { return int(first[p] - first[q]) })
}

// W18: what waits fails at once; what runs is told, and what it returns in time counts; each worker runs Teardown.
func TestInterruptInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, e, j, out := interruptedHere(t, withTeardown)
		for i := int64(2); i < 5; i++ {
			if r := out.one(t, i); r.Failure == nil || r.Failure.Reason != Interrupted || r.Status != 0 {
				t.Errorf("element %d, which had not begun: %+v", i, r)
			}
		}
		if err := e.Begin(&Job{}); !errors.Is(err, ErrClosed) {
			t.Errorf("a new job: %v", err)
		}
		for k, p := range f.all {
			if c := p.cancels; len(c) != 1 || c[0].number != 0 || c[0].cause != abi.CauseCancel {
				t.Errorf("cancelled %+v", c)
			}
			<-time.After(30 * time.Millisecond) // of the 100 that there are
			status := []uint8{abi.StatusOK, abi.StatusError}[k]
			if err := p.result(status, []byte("out")); err != nil {
				t.Fatal(err)
			}
			p.progress()
			if _, _, ok := p.begin(); !ok || !get(p, func(p *fake) bool { return p.finish }) {
				t.Fatal("no Teardown")
			}
			if err := p.result(abi.StatusOK, nil); err != nil {
				t.Error(err)
			}
			p.progress()
			p.die(exited(0))
			if p.kills > 0 {
				t.Error("a worker that ended in order was killed")
			}
		}
		<-e.Ended()
		if r := out.one(t, 0); r.Failure != nil || string(r.Payload) != "out" {
			t.Errorf("a success within Grace: %+v", r)
		}
		if r := out.one(t, 1); r.Failure == nil || r.Failure.Reason != Interrupted || r.Status != abi.StatusError || string(r.Payload) != "out" {
			t.Errorf("a failure within Grace: %+v", r)
		}
		e.End(j)
		if err := e.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if s := e.Stats(); s.Done != 1 || s.Failed != 4 || f.count() != 2 {
			t.Errorf("%+v, %d workers started", s, f.count())
		}
	})
}

// Who does not heed its context is killed when Grace has passed; who dies by itself is reported as that.
func TestInterruptKillsTheDeaf(t *testing.T) {
	bubble(t, func(t *testing.T) {
		start := time.Now()
		f, e, j, out := interruptedHere(t, withTeardown)
		f.all[1].die(exited(7))
		<-e.Ended()
		if d := time.Since(start); d != 100*time.Millisecond {
			t.Errorf("it took %v", d)
		}
		if r := out.one(t, 0); r.Failure == nil || r.Failure.Reason != Interrupted || !errors.Is(r.Failure.Err, context.Canceled) || r.Status != 0 {
			t.Errorf("killed: %+v", r.Failure)
		}
		if r := out.one(t, 1); r.Failure == nil || r.Failure.Reason != Died || r.Failure.Exit.Code != 7 {
			t.Errorf("died: %+v", r.Failure)
		}
		e.End(j)
		if f.count() != 2 {
			t.Errorf("%d workers were started", f.count())
		}
	})
}

// An interrupted element is not run again, whatever its retries; a second interrupt, which is Kill, ends it at once.
func TestInterruptThenKill(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(2))
		j, out := job("f")
		j.Retries, j.Grace = 10, time.Hour
		begun(t, e, j, 2)
		synctest.Wait()
		beginAll(t, f)
		start := time.Now()
		e.Interrupt()
		f.all[0].die(exited(7))
		synctest.Wait()
		if r := out.one(t, 0); r.Failure == nil || r.Failure.Reason != Died {
			t.Errorf("died with tries left: %+v", r)
		}
		e.Kill()
		if a := out.failures(); len(a) != 1 || !errors.Is(a[0].Err, ErrInterrupted) || out.settled() != 1 {
			t.Errorf("%+v, %d settled", a, out.settled())
		}
		if time.Since(start) != 0 {
			t.Errorf("the kill took %v", time.Since(start))
		}
	})
}

// Teardown may take as long as a start. So an interrupted engine ends, whatever its functions do.
func TestInterruptBoundsTeardown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, withTeardown(f.config(1)))
		start := time.Now()
		e.Interrupt()
		if _, _, ok := f.all[0].begin(); !ok {
			t.Error("no Teardown")
		}
		<-e.Ended()
		if d := time.Since(start); d != time.Minute {
			t.Errorf("it took %v", d)
		}
	})
}

// Who waits for room, or adds to a job that was there, is told as well.
func TestInterruptTellsWhoComesLate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		c := f.config(1)
		c.Window = 1
		e := newEngine(t, c)
		if err := e.Enter(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		waits := make(chan error)
		go func() { waits <- e.Enter(t.Context(), 1) }()
		j, out := job("f")
		j.Interrupted = func() { e.Leave(1) } // the outcome of what was swept makes room
		begun(t, e, j, 0)
		synctest.Wait()
		e.Interrupt()
		if err := <-waits; !errors.Is(err, ErrInterrupted) {
			t.Errorf("who waited for room: %v", err)
		}
		e.Add(j, 3)
		for i := range int64(3) {
			if r := out.one(t, i); r.Failure == nil || r.Failure.Reason != Interrupted {
				t.Errorf("added: %+v", r)
			}
		}
		e.End(j)
		f.all[0].die(exited(0))
		<-e.Ended()
	})
}

// Random jobs on workers that succeed, fail, heed, do not, and die, interrupted at a random moment: each element has one outcome,
// and the engine ends.
func TestRandomInterrupts(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 300 {
		bubble(t, func(t *testing.T) { randomInterrupt(t, rand.New(rand.NewPCG(rng.Uint64(), 2))) })
	}
}

func randomInterrupt(t *testing.T, rng *rand.Rand) {
	salt := rng.Uint64()
	l := life{
		begun: func([]byte) {},
		fate: func(payload []byte) (fate, time.Duration) {
			r := rand.New(rand.NewPCG(salt, binary.LittleEndian.Uint64(append(payload, make([]byte, 8)...))))
			d := time.Duration(0)
			if r.IntN(2) == 0 {
				d = time.Duration(r.IntN(1000)) * time.Microsecond
			}
			if r.IntN(20) > 0 {
				return succeeds, d
			}
			return fate(r.IntN(5)), d
		},
	}
	f := &farm{t: t, start: func(p *fake) error { go l.serve(p); return nil }}
	e := newEngine(t, withTeardown(f.config(1+rng.IntN(4))))
	type running struct {
		j   *Job
		out *outcomes
		n   int64
	}
	var jobs []running
	for range 1 + rng.IntN(4) {
		j, out := job("f")
		j.Retries, j.Chunk = rng.IntN(3), rng.IntN(20)
		n := int64(1 + rng.IntN(300))
		jobs = append(jobs, running{j, out, n})
		begun(t, e, j, n/2)
		go e.Add(j, n-n/2)
	}
	<-time.After(time.Duration(rng.IntN(int(50 * time.Millisecond))))
	e.Interrupt()
	if rng.IntN(4) == 0 {
		<-time.After(time.Duration(rng.IntN(int(50 * time.Millisecond))))
		e.Kill()
	}
	<-e.Ended()
	synctest.Wait()
	for _, r := range jobs {
		if len(r.out.failures()) > 0 { // killed: that is the outcome of what has none
			for i := range r.n {
				if len(r.out.got[i]) > 1 {
					t.Errorf("element %d: %+v", i, r.out.got[i])
				}
			}
			continue
		}
		for i := range r.n {
			r.out.one(t, i)
		}
		e.End(r.j)
	}
}
