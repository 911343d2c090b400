package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/spawn"
)

// A fraction belongs to the element that its number means, and only as long as that runs.
func TestFraction(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		c := f.config(1)
		var heard []string
		c.Observe = func(e Event) {
			if e.Kind == "fraction" {
				heard = append(heard, fmt.Sprint(e.Function, e.Index, e.Worker, e.PID, e.Fraction))
			}
		}
		e := newEngine(t, c)
		p := f.last()
		host := p.host.(FractionHost)
		j, _ := job("f")
		j.Chunk = 3
		byJob := 0
		j.Observe = func(ev Event) {
			if ev.Kind == Fraction {
				byJob++
			}
		}
		begun(t, e, j, 9)
		says := func(number uint64, want string) {
			t.Helper()
			heard, byJob = nil, 0
			host.Fraction(number, 0.5)
			if got := fmt.Sprint(heard); got != want || byJob != len(heard) {
				t.Errorf("of %d: the observer heard %s, the job %d", number, got, byJob)
			}
		}
		tell := func(i int) string { return fmt.Sprintf("[f%d 0 %d 0.5]", i, p.PID()) }
		says(0, tell(0)) // that it has begun is the worker's word
		p.run(t, 4)
		says(3, "[]")
		says(4, tell(4))
		says(5, tell(5)) // its predecessor's result is on the way
		p.begin()
		if err := p.result(abi.StatusOK, nil); err != nil {
			t.Fatal(err)
		}
		says(4, "[]") // also before Progress
		says(9, "[]") // of none
		says(1<<63, "[]")
		p.die(spawn.Exit{})
		says(5, "[]")
		e.End(j)
		shutdown(t, e, f)
	})
}

// No fraction of an element follows its end, however they race.
func TestFractionRace(t *testing.T) {
	const n = 2_000
	f := &farm{t: t}
	e := newEngine(t, f.config(1))
	p := f.last()
	host := p.host.(FractionHost)
	j, _ := job("f")
	var mu sync.Mutex
	ended, fractions := make([]bool, n), 0
	j.Deliver = func(i int64, _ Result) {
		mu.Lock()
		defer mu.Unlock()
		ended[i] = true
	}
	j.Observe = func(ev Event) {
		if ev.Kind != Fraction {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if fractions++; ended[ev.Index] {
			t.Errorf("a fraction of %d after its end", ev.Index)
		}
	}
	begun(t, e, j, n)
	var at atomic.Uint64
	var reporter sync.WaitGroup
	reporter.Go(func() {
		for k := at.Load(); k < n; k = at.Load() {
			host.Fraction(k, 0)
		}
	})
	for k := range uint64(n) {
		for p.has() == 0 {
			p.progress()
		}
		p.begin()
		at.Store(k)
		if err := p.result(abi.StatusOK, nil); err != nil {
			t.Fatal(err)
		}
	}
	at.Store(n)
	reporter.Wait()
	p.progress()
	e.Finished(j)
	t.Logf("%d fractions", fractions)
}

// A worker is asked where it is stuck half-way between its element's timeout and the kill, which comes as early as ever;
// and it is not asked where nobody has an error to tell it in.
func TestInspectBeforeKill(t *testing.T) {
	for _, timeout := range []time.Duration{time.Second, 0} {
		bubble(t, func(t *testing.T) {
			f := &farm{t: t}
			e := newEngine(t, f.config(1))
			p := f.last()
			j, _ := job("f")
			j.Timeout, j.Grace = timeout, 301
			begun(t, e, j, 1)
			start := time.Now()
			p.begin()
			if timeout == 0 {
				e.End(j)
			}
			<-p.killed
			if d := time.Since(start); d != timeout+301 {
				t.Errorf("killed after %v", d)
			}
			if n := len(p.inspected); timeout > 0 && (n != 1 || p.inspected[0].Sub(start) != timeout+151) || timeout == 0 && n > 0 {
				t.Errorf("timeout %v: asked %v, begun %v", timeout, p.inspected, start)
			}
			synctest.Wait()
			e.End(j)
			shutdown(t, e, f)
		})
	}
}

// Only a worker that is there can be asked.
func TestAskNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		over, cancel := context.WithCancel(t.Context())
		cancel()
		for _, c := range []struct {
			ctx    context.Context
			worker int
			want   error
		}{{over, 0, context.Canceled}, {t.Context(), 0, ErrNoWorker}, {t.Context(), 1, nil}, {t.Context(), -1, nil}} {
			if _, err := e.Ask(c.ctx, c.worker, "", nil, 0); err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%d: %v, not %v", c.worker, err, c.want)
			}
		}
		shutdown(t, e, f)
		if _, err := e.Ask(t.Context(), 0, "", nil, 0); !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
}
