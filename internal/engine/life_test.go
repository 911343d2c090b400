package engine

import (
	"context"
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/spawn"
)

func withSetup(c Config) Config {
	c.Setup = func() *Job {
		return &Job{Function: "setup", Arg: []byte{1}, Grace: time.Minute, Abort: func(*Failure) {}}
	}
	c.SetupError = func(r Result) error {
		if r.Status != abi.StatusOK {
			return errSetup
		}
		return nil
	}
	return c
}

func withTeardown(c Config) Config {
	c.Teardown = func() *Job { return &Job{Function: "teardown", Arg: []byte{1}, Grace: time.Minute} }
	return c
}

// answerSetup makes a fake run its Setup with this status.
func answerSetup(t *testing.T, p *fake, status uint8) {
	p.up()
	p.begin()
	if err := p.result(status, nil); err != nil {
		t.Error(err)
	}
	p.progress()
}

// The first Setup that fails fails New, when all others have ended.
func TestSetupFailsAtTheStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		f.start = func(p *fake) error {
			go func() {
				if p.index == 1 {
					answerSetup(t, p, abi.StatusError)
				} else {
					answerSetup(t, p, abi.StatusOK)
				}
			}()
			return nil
		}
		if _, err := New(t.Context(), withSetup(f.config(3))); !errors.Is(err, errSetup) {
			t.Errorf("%v", err)
		}
		for _, p := range f.all {
			p.calls.Lock()
			if !p.lost {
				t.Errorf("worker %d lives", p.index)
			}
			p.calls.Unlock()
		}
	})
}

// Setup that fails in a successor breaks the engine: outstanding jobs end with that error, and new ones are refused with it.
func TestSetupFailsLater(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		status := abi.StatusOK
		f.start = func(p *fake) error { go answerSetup(t, p, status); return nil }
		e := newEngine(t, withSetup(f.config(1)))
		j, out := job("f")
		begun(t, e, j, 2)
		f.last().begin()
		status = abi.StatusError
		f.last().die(exited(3))
		synctest.Wait()
		if r := out.one(t, 0); r.Failure == nil || r.Failure.Reason != Died {
			t.Errorf("%+v", r.Failure)
		}
		if got := out.failures(); len(got) != 1 || got[0].Reason != Broken || !errors.Is(got[0].Err, errSetup) {
			t.Errorf("%+v", got)
		}
		if err := e.Begin(j); !errors.Is(err, errSetup) {
			t.Errorf("Begin: %v", err)
		}
		if err := e.Ready(t.Context()); !errors.Is(err, errSetup) {
			t.Errorf("Ready: %v", err)
		}
		if err := e.Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
		if f.count() != 2 {
			t.Errorf("%d workers were started", f.count())
		}
	})
}

// A worker that is not ready in time fails New, and says so; so does one that cannot be started.
func TestStartFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t, start: func(*fake) error { return nil }} // never up
		start := time.Now()
		_, err := New(t.Context(), f.config(2))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		f.start = func(p *fake) error {
			close(p.killed) // it never was
			p.kills, p.lost = 1, true
			return errSetup
		}
		if _, err := New(t.Context(), f.config(1)); !errors.Is(err, errSetup) {
			t.Error(err)
		}
	})
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		f.start = func(p *fake) error { go p.die(exited(5)); return nil }
		if _, err := New(t.Context(), f.config(1)); err == nil || !strings.Contains(err.Error(), "code 5") || f.count() != 1 {
			t.Errorf("%v after %d starts", err, f.count())
		}
	})
}

// A worker that somebody kills while it starts is started again, but not for ever.
func TestKilledWhileStarting(t *testing.T) {
	killed := spawn.Exit{ExitStatus: exitStatus(-9, syscall.SIGKILL)}
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		n := 0
		f.start = func(p *fake) error {
			if n++; n < 3 {
				go p.die(killed)
			} else {
				go p.up()
			}
			return nil
		}
		e := newEngine(t, f.config(1))
		shutdown(t, e, f)
	})
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		f.start = func(p *fake) error { go p.die(killed); return nil }
		if _, err := New(t.Context(), f.config(1)); err == nil || f.count() != maxStarts {
			t.Errorf("%v after %d starts", err, f.count())
		}
	})
}

// W16: workers that somebody kills as soon as they are up are replaced later and later, never at full speed, and for ever.
func TestBackOff(t *testing.T) {
	killed := spawn.Exit{ExitStatus: exitStatus(-9, syscall.SIGKILL)}
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		f.start = func(p *fake) error { go func() { p.up(); p.die(killed) }(); return nil }
		start := time.Now()
		f.last().die(killed)
		for f.count() < 20 {
			<-time.After(time.Millisecond)
		}
		if d := time.Since(start); d < 10*maxBackOff {
			t.Errorf("20 starts within %v", d)
		}
		e.Kill()
	})
}

// W03: workers that end of themselves as soon as they are up, again and again, break the engine, with the reason. One that has begun
// something meanwhile starts the count again.
func TestBreaker(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		n := 0
		f.start = func(p *fake) error {
			if n++; n == 3 {
				go func() {
					p.up()
					<-p.work
					p.begin()
					p.die(exited(7))
				}()
			} else {
				go func() { p.up(); p.die(exited(7)) }()
			}
			return nil
		}
		j, _ := job("f")
		ended := make(chan *Failure, 1)
		j.Abort = func(why *Failure) { ended <- why }
		begun(t, e, j, 1000)
		f.last().die(exited(7))
		why := <-ended
		if why.Reason != Broken || !strings.Contains(why.Err.Error(), "code 7") || !strings.Contains(why.Err.Error(), "5 times") {
			t.Errorf("%+v", why)
		}
		if f.count() != 1+3+maxStarts {
			t.Errorf("%d starts", f.count())
		}
		if err := e.Begin(&Job{}); err == nil || !strings.Contains(err.Error(), "code 7") {
			t.Error(err)
		}
		e.Kill()
	})
}

// Close finishes what was accepted and takes nothing new; Kill fails it. Both end, however often and from wherever they
// are called.
func TestEnds(t *testing.T) {
	for name, end := range map[string]func(*Engine) error{
		"Close": func(e *Engine) error { return e.Close(context.Background()) },
		"Kill":  func(e *Engine) error { e.Kill(); return nil },
	} {
		bubble(t, func(t *testing.T) {
			f := &farm{t: t}
			l := life{begun: func([]byte) {}, fate: func([]byte) (fate, time.Duration) { return succeeds, time.Second }}
			f.start = func(p *fake) error { go l.serve(p); return nil }
			e := newEngine(t, f.config(2))
			j, out := job("f")
			finished := make(chan struct{})
			var left sync.WaitGroup
			left.Add(5)
			deliver := j.Deliver
			j.Deliver = func(i int64, r Result) { deliver(i, r); left.Done() }
			j.Abort = func(why *Failure) {
				if !errors.Is(why.Err, ErrClosed) || why.Reason != Stopped {
					t.Errorf("%+v", why)
				}
				close(finished)
			}
			begun(t, e, j, 5)
			if name == "Close" {
				go func() { left.Wait(); e.End(j); close(finished) }()
			}
			var wg sync.WaitGroup
			for range 5 {
				wg.Go(func() {
					if err := end(e); err != nil {
						t.Error(err)
					}
				})
			}
			synctest.Wait()
			if err := e.Begin(&Job{}); !errors.Is(err, ErrClosed) {
				t.Errorf("%s: Begin: %v", name, err)
			}
			if err := e.Ready(t.Context()); !errors.Is(err, ErrClosed) {
				t.Errorf("%s: Ready: %v", name, err)
			}
			wg.Wait()
			<-finished
			if want := map[string]int{"Close": 5}[name]; out.settled() != want {
				t.Errorf("%s: %d elements have an outcome, want %d", name, out.settled(), want)
			}
			e.Kill()
			if err := e.Close(t.Context()); err != nil {
				t.Errorf("%s: Close at the end: %v", name, err)
			}
		})
	}
}

// W12, W37: Close bounded by a context kills when that ends, and says so.
func TestCloseBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		j, out := job("f")
		begun(t, e, j, 1)
		f.last().begin()
		c, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := e.Close(c); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if got := out.failures(); len(got) != 1 || got[0].Reason != Stopped {
			t.Errorf("%+v", got)
		}
	})
}

// Teardown is not taken back from a worker whose last results the scheduler does not know yet, for one that is idle.
func TestTeardownStays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, withTeardown(f.config(2)))
		j, out := job("f")
		begun(t, e, j, 4)
		busy, idle := f.all[0], f.all[1]
		for busy.has() > 0 {
			_, arg, _ := busy.begin()
			if err := busy.result(abi.StatusOK, arg); err != nil {
				t.Error(err)
			}
		}
		idle.run(t, idle.has())
		e.Finished(j)
		done := make(chan error)
		go func() { done <- e.Close(context.Background()) }()
		synctest.Wait()
		idle.progress() // it looks who has work for it
		busy.progress()
		for _, p := range f.all {
			if p.has() != 1 {
				t.Errorf("worker %d has %d elements, not Teardown", p.index, p.has())
			}
			p.run(t, 1)
			p.die(exited(0))
		}
		if err := <-done; err != nil || out.settled() != 4 {
			t.Errorf("%v, %d outcomes", err, out.settled())
		}
	})
}

// Setup that was sent to a worker which died before it began is not run by another one.
func TestSetupStays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		f.start = func(p *fake) error {
			go answerSetup(t, p, abi.StatusOK)
			return nil
		}
		e := newEngine(t, withSetup(f.config(2)))
		f.start = func(p *fake) error {
			go p.up()
			return nil
		}
		f.all[0].die(exited(3))
		synctest.Wait()
		f.start = func(p *fake) error {
			go answerSetup(t, p, abi.StatusOK)
			return nil
		}
		f.last().Kill() // as somebody from outside may
		synctest.Wait()
		if err := e.Ready(t.Context()); err != nil || f.all[1].has() > 0 || f.count() != 4 {
			t.Errorf("%v: the other worker has %d elements, %d workers were started", err, f.all[1].has(), f.count())
		}
		j, out := job("f")
		begun(t, e, j, 2)
		for range 2 { // one may get what the other had
			for _, p := range []*fake{f.all[1], f.last()} {
				p.run(t, p.has())
			}
		}
		if out.settled() != 2 {
			t.Errorf("%d outcomes", out.settled())
		}
		e.Finished(j)
		shutdown(t, e, f)
	})
}

// teardowns is how many elements a fake was sent that are Teardown.
func (p *fake) teardowns() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.batches {
		if s.b.Job.Function == "teardown" {
			n++
		}
	}
	return n
}

// Who calls Close while another does waits with him: Teardown runs once.
func TestClosedTwiceAtATime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, withTeardown(f.config(1)))
		p := f.last()
		done := make(chan error)
		for range 2 {
			go func() { done <- e.Close(context.Background()) }()
			synctest.Wait()
			p.set(func(p *fake) { p.noRoom = true }) // as while the first Teardown is under way
		}
		if p.teardowns() != 1 || get(p, func(p *fake) int { return p.kills }) > 0 {
			t.Errorf("Teardown was sent %d times", p.teardowns())
		}
		p.run(t, 1)
		p.die(exited(0))
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

// Teardown that finds no room waits for it: what was sent of a call that was cancelled, or still streams, is in its way.
func TestTeardownWaitsForRoom(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, withTeardown(f.config(1)))
		p := f.last()
		p.set(func(p *fake) { p.noRoom = true })
		done := make(chan error)
		go func() { done <- e.Close(context.Background()) }()
		synctest.Wait()
		p.progress() // there is none yet
		if n := get(p, func(p *fake) int { return p.kills }); n > 0 {
			t.Error("it was killed before Teardown")
		}
		p.set(func(p *fake) { p.noRoom = false })
		p.progress()
		if p.teardowns() != 1 || !get(p, func(p *fake) bool { return p.finish }) {
			t.Fatalf("Teardown was sent %d times", p.teardowns())
		}
		p.run(t, 1)
		p.die(exited(0))
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Two elements that wait at the same moment go to two workers, though both might go to the first: it may never end its first.
func TestTwoAtATimeAreSpread(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(2))
		j, _ := job("f")
		k, _ := job("g")
		begun(t, e, j, 0)
		begun(t, e, k, 0)
		e.mu.Lock() // as two calls of Add do that come before either dispatches
		e.sched.Add(&j.sched, 1)
		e.sched.Add(&k.sched, 1)
		e.mu.Unlock()
		e.dispatch()
		if a, b := f.all[0].has(), f.all[1].has(); a != 1 || b != 1 {
			t.Errorf("%d and %d elements", a, b)
		}
		e.End(j)
		e.End(k)
		shutdown(t, e, f)
	})
}

// An idle worker that takes nothing, for it is about to die, has nothing taken back for it without end.
func TestNobodyTakesWhatIsTakenBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(2))
		f.all[1].set(func(p *fake) { p.suspect = true })
		j, out := job("f")
		begun(t, e, j, 4)
		f.all[0].run(t, f.all[0].has())
		for out.settled() < 4 {
			f.all[0].run(t, f.all[0].has())
		}
		e.Finished(j)
		shutdown(t, e, f)
	})
}

// What is taken back from a worker that has begun nothing must not all go back to it: the other has done its part, and would be
// left without.
func TestNobodyIsLeftOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(2))
		j, out := job("f")
		j.Chunk = 50
		begun(t, e, j, 100)
		done, idle := f.all[0], f.all[1] // which has its part in one piece
		if idle.has() != 50 || done.has() != 50 {
			t.Fatalf("%d and %d elements", idle.has(), done.has())
		}
		done.run(t, 50)
		if idle.has() == 0 || done.has() == 0 {
			t.Errorf("%d and %d elements", idle.has(), done.has())
		}
		for out.settled() < 100 {
			for _, p := range f.all {
				p.run(t, p.has())
			}
		}
		e.Finished(j)
		shutdown(t, e, f)
	})
}
