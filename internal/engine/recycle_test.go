package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// recycling is farm whose workers take so long for each element, and that knows which ran how many.
type recycling struct {
	farm
	took time.Duration
	ran  map[*fake]int // guarded by farm.mu
}

func newRecycling(t *testing.T, took time.Duration) *recycling {
	r := &recycling{farm: farm{t: t}, took: took, ran: make(map[*fake]int)}
	r.start = func(p *fake) error {
		l := life{
			begun: func([]byte) { r.mu.Lock(); r.ran[p]++; r.mu.Unlock() },
			fate: func(arg []byte) (fate, time.Duration) {
				if string(arg) == "last" {
					return succeeds, 0
				}
				return succeeds, r.took
			},
		}
		go l.serve(p)
		return nil
	}
	return r
}

// do waits for n outcomes and ends the job.
func (r *recycling) do(e *Engine, n int64) {
	r.t.Helper()
	j, out := job("f")
	begun(r.t, e, j, n)
	for out.settled() < int(n) {
		<-time.After(time.Millisecond)
	}
	e.End(j)
}

// T119, T315: no worker runs more than MaxTasks elements, and all are run once.
func TestMaxTasks(t *testing.T) {
	for _, most := range []int64{1, 2, 3, 10, 1000} {
		for _, workers := range []int{1, 2, 4} {
			bubble(t, func(t *testing.T) {
				r := newRecycling(t, 0)
				c := r.config(workers)
				c.MaxTasks = most
				e := newEngine(t, c)
				const n = 200
				r.do(e, n)
				r.do(e, n)
				synctest.Wait()
				total := 0
				for _, k := range r.ran {
					if total += k; k > int(most) {
						t.Errorf("a worker ran %d elements, and may run %d", k, most)
					}
				}
				if total != 2*n {
					t.Errorf("%d elements were run", total)
				}
				if least := 2 * n / int(most); r.count() < least {
					t.Errorf("%d workers were started, and %d were needed", r.count(), least)
				}
				if got := len(e.Workers()); got != workers {
					t.Errorf("%d workers", got)
				}
				shutdown(t, e, &r.farm)
			})
		}
	}
}

// The successor is there before its predecessor is spent, however long it takes to start.
func TestMaxTasksStartsTheHeirFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRecycling(t, time.Millisecond)
		serve := r.start
		r.start = func(p *fake) error {
			if p != r.first() {
				go func() { <-time.After(5 * time.Millisecond); _ = serve(p) }()
				return nil
			}
			return serve(p)
		}
		c := r.config(1)
		c.MaxTasks = 100
		e := newEngine(t, c)
		start := time.Now()
		r.do(e, 1000)
		if d := time.Since(start); d > 1050*time.Millisecond {
			t.Errorf("1,000 elements of 1 ms took %v", d)
		}
		shutdown(t, e, &r.farm)
	})
}

// first is the first worker.
func (r *recycling) first() *fake {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[0]
}

// A worker that is too old goes when its successor is there; not all at once.
func TestMaxAge(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRecycling(t, 0)
		c := r.config(8)
		c.MaxAge = time.Hour
		e := newEngine(t, c)
		<-time.After(time.Hour + 2*time.Second)
		if n := r.count(); n < 8+2 || n > 8+6 {
			t.Errorf("%d workers were started", n)
		}
		<-time.After(time.Minute)
		synctest.Wait()
		if n := r.count(); n != 16 {
			t.Errorf("%d workers were started", n)
		}
		if s := e.Stats(); s.Restarts != 8 {
			t.Errorf("%+v", s)
		}
		r.do(e, 100)
		shutdown(t, e, &r.farm)
	})
}

// If the successor does not come up, what is there goes on, until the engine gives up.
func TestHeirThatDoesNotCome(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRecycling(t, time.Second)
		serve := r.start
		r.start = func(p *fake) error {
			if p != r.first() {
				return errSetup
			}
			return serve(p)
		}
		c := r.config(1)
		c.MaxTasks = 10
		e := newEngine(t, c)
		j, out := job("f")
		broken := make(chan *Failure, 1)
		j.Abort = func(why *Failure) { broken <- why }
		begun(t, e, j, 20)
		if why := <-broken; why.Reason != Broken || !errors.Is(why.Err, errSetup) {
			t.Errorf("%+v", why)
		}
		if n := out.settled(); n > 10 {
			t.Errorf("%d outcomes of a worker that may run 10", n)
		}
		e.Kill()
	})
}

// A worker that dies when its heir is ready is followed by it at once.
func TestDeathBeforeTheHeirsTurn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRecycling(t, time.Second)
		c := r.config(1)
		c.MaxTasks = 100
		e := newEngine(t, c)
		j, out := job("f")
		begun(t, e, j, 99)
		for out.settled() < 95 {
			<-time.After(time.Millisecond)
		}
		synctest.Wait()
		if r.count() != 2 {
			t.Fatalf("%d workers", r.count())
		}
		r.first().die(exited(3))
		for out.settled() < 99 {
			<-time.After(time.Millisecond)
		}
		synctest.Wait()
		if r.count() != 2 {
			t.Errorf("%d workers", r.count())
		}
		e.End(j)
		shutdown(t, e, &r.farm)
	})
}

// Resize up and down under load: everything is run once, and there are as many workers as asked for.
func TestResize(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRecycling(t, time.Millisecond)
		e := newEngine(t, r.config(2))
		j, out := job("f")
		begun(t, e, j, 5000)
		for _, n := range []int{5, 1, 3, 3, 8, 2} {
			if err := e.Resize(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			if w := e.Workers(); len(w) != n {
				t.Errorf("%d workers of %d", len(w), n)
			}
			for _, w := range e.Workers() {
				if w.State == "starting" {
					t.Errorf("%+v", w)
				}
			}
		}
		for out.settled() < 5000 {
			<-time.After(time.Millisecond)
		}
		e.End(j)
		total := 0
		for _, k := range r.ran {
			total += k
		}
		if total != 5000 {
			t.Errorf("%d elements were run", total)
		}
		shutdown(t, e, &r.farm)
	})
}

// A Resize whose context ends leaves an engine that was to grow as it was.
func TestResizeGivesUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRecycling(t, time.Millisecond)
		e := newEngine(t, r.config(1))
		serve := r.start
		r.start = func(*fake) error { return nil } // never up
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := e.Resize(ctx, 3); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		synctest.Wait()
		if w := e.Workers(); len(w) != 1 {
			t.Errorf("%+v", w)
		}
		if err := e.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		r.start = serve
		r.do(e, 10)
		e.Kill()
	})
}

// What a worker that leaves has not begun goes to others; what it has begun it finishes, and Teardown runs last.
func TestLeavingWorkerFinishes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRecycling(t, time.Hour)
		c := r.config(2)
		last := 0
		c.Teardown = func() *Job {
			last++
			return &Job{Function: "last", Arg: []byte("last"), Abort: func(*Failure) {}}
		}
		e := newEngine(t, c)
		j, out := job("f")
		begun(t, e, j, 4)
		synctest.Wait()
		resized := make(chan error)
		go func() { resized <- e.Resize(context.Background(), 1) }()
		synctest.Wait()
		select {
		case err := <-resized:
			t.Errorf("it did not wait: %v", err)
		default:
		}
		if err := <-resized; err != nil || last != 1 {
			t.Errorf("%v, Teardown of %d", err, last)
		}
		for out.settled() < 4 {
			<-time.After(time.Minute)
		}
		e.End(j)
		e.Kill()
	})
}

// Idle workers end, but for the least number, and come back when there is work; also from none.
func TestIdleWorkersEnd(t *testing.T) {
	for _, least := range []int{0, 1, 2} {
		bubble(t, func(t *testing.T) {
			r := newRecycling(t, time.Second)
			c := r.config(4)
			c.IdleTimeout, c.MinWorkers = time.Minute, least
			e := newEngine(t, c)
			if n := r.count(); n != max(1, least) {
				t.Errorf("%d workers at first", n)
			}
			live := func() (n int) {
				for _, w := range e.Workers() {
					if w.State != "parked" {
						n++
					}
				}
				return n
			}
			for range 3 {
				start := time.Now()
				r.do(e, 8)
				if d := time.Since(start); d > 3*time.Second {
					t.Errorf("8 elements of a second took %v", d)
				}
				if n := live(); n != 4 {
					t.Errorf("%d workers after work for 4", n)
				}
				<-time.After(2 * time.Minute)
				synctest.Wait()
				if n := live(); n != least {
					t.Errorf("%d workers after idling", n)
				}
			}
			shutdown(t, e, &r.farm)
		})
	}
}

// A retry of what was returned, of a timeout that was heeded, and of an error, have one budget.
func TestOneBudget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		fates := []fate{heeds, fails, dies, succeeds}
		tries := 0
		f.start = func(p *fake) error {
			l := life{begun: func([]byte) {}, fate: func([]byte) (fate, time.Duration) { tries++; return fates[tries-1], 0 }}
			go l.serve(p)
			return nil
		}
		c := f.config(1)
		var seen []int
		c.Observe = func(ev Event) {
			if ev.Kind == "retry" {
				seen = append(seen, ev.Attempt)
			}
		}
		for budget, want := range map[int]int{3: 4, 2: 3, 1: 2, 0: 1} {
			tries, seen = 0, nil
			e := newEngine(t, c)
			j, out := job("f")
			j.Retries, j.Timeout, j.Grace = budget, time.Second, time.Second
			j.RetryIf = func(int64, Result) bool { return true }
			begun(t, e, j, 1)
			for out.settled() < 1 {
				<-time.After(time.Millisecond)
			}
			if tries != want || len(seen) != budget {
				t.Errorf("%d tries with %d retries; told %v", tries, budget, seen)
			}
			e.End(j)
			if s := e.Stats(); s.Retried != int64(budget) || s.Done+s.Failed != 1 {
				t.Errorf("%+v", s)
			}
			shutdown(t, e, f)
		}
	})
}
