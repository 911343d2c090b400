package engine

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/go-multiproc/mp/internal/fifo"
	"github.com/go-multiproc/mp/internal/sched"
	"github.com/go-multiproc/mp/internal/spawn"
)

const (
	maxStarts    = 5                     // in a row that come to nothing, before the engine gives up
	firstBackOff = 10 * time.Millisecond // before the third start in a row
	maxBackOff   = time.Second

	patience = 10 // starts in a row that the system has nothing for, with no worker left: some two seconds
)

// Lost implements Host. It settles what the worker had: what was not begun goes back, what was begun has failed.
func (w *worker) Lost(exit spawn.Exit, why error) {
	e := w.e
	w.mu.Lock()
	w.dead = true
	if w.timer != nil {
		w.timer.Stop()
	}
	pid := 0
	if w.port != nil {
		pid = w.port.PID()
	}
	var failed []lostElement
	var fatal *lostElement // of a broadcast
	begun := false         // anything: then what it was given may have killed it, and a successor will do better
	number := w.received()
	e.mu.Lock()
	lost := &Failure{Worker: w.index, PID: pid, Exit: exit, Attempts: 1}
	bereft := w.forfeit(lost)
	e.sched.Leave(&w.sched)
	for _, b := range slices.Concat(w.fifo.All(), w.stalled) {
		if b.Job.private { // its end is the worker's, and nobody else is to run it
			if f := w.fatal(b, pid, exit, why); f != nil {
				fatal, begun = f, true
			}
			continue
		}
		done, n := int(b.done.Load()), int(b.n.Load())
		started := 0
		if b.payload == nil && done < n {
			started = w.port.Begun(b)
		}
		started = min(max(started, done), n)
		begun = begun || started > done
		for k := done; k < started; k++ {
			f := &Failure{Reason: Died, Worker: w.index, PID: pid, Exit: exit, Attempts: 1}
			if l := w.ladder; l.up && l.element <= number && number <= l.last {
				switch {
				case l.why == tooLong:
					f.Reason, f.Timeout, f.Killed = TimedOut, b.Job.Timeout, l.killed
				case l.why == interrupted && l.killed:
					f.Reason, f.Err = Interrupted, ErrInterrupted
				}
			}
			number++
			i := b.First + int64(k)
			l := lostElement{b.Job, i, f, b.Job.Lease == nil && e.again(b.Job, i, f)}
			if failed = append(failed, l); !l.again && b.Job.begun {
				e.failed++
			}
		}
		e.sched.Return(&b.Job.sched, sched.Range{First: b.First + int64(started), N: n - started})
	}
	w.fifo, w.stalled, w.unsaid = fifo.Queue[*Batch]{}, nil, nil
	if w.startErr != nil {
		why = w.startErr
	}
	up, idle := w.up, w.done == 0 && !begun
	wanted, reason := e.vacate(w), w.ending(e.state, exit)
	if wanted && e.state != closed && w.reason == "" {
		e.restarted(reason)
	}
	e.books.bury(w)
	e.change()
	e.mu.Unlock()
	w.mu.Unlock()

	var err error
	if exit.Code != 0 || why != nil {
		err = e.cfg.LostError(w.index, pid, exit)
		e.blame(w.index, err)
	}
	e.observe(Event{Kind: WorkerEnded, Index: -1, Worker: w.index, PID: pid, Err: err, Duration: time.Since(w.since), Reason: reason})
	for _, l := range failed {
		if r := (Result{Failure: l.f, Worker: w.index, PID: pid, Took: w.took(l.j)}); l.again {
			e.observeRetry(l.j, l.i, r, l.f.Attempts)
		} else {
			l.j.settle(l.i, r)
		}
	}
	e.abortJobs(bereft, lost)
	if fatal != nil {
		fatal.j.settle(fatal.i, Result{Failure: fatal.f, Worker: w.index, PID: pid})
	}
	if wanted {
		e.replace(w, up, idle, exit, why)
	}
	e.checkEnded()
	e.dispatch()
}

type lostElement struct {
	j     *Job
	i     int64
	f     *Failure
	again bool
}

// ending is why the worker has ended. Call it with both locks.
func (w *worker) ending(st state, exit spawn.Exit) string {
	switch {
	case w.ladder.killed && w.ladder.why == tooLong:
		return reasonTimeout
	case w.ladder.killed:
		return reasonCancelled
	case exit.OOM:
		return reasonMemory
	case w.reason != "":
		return w.reason
	case st == closed:
		return reasonClose
	case !w.up:
		return reasonStart
	default:
		return reasonDeath
	}
}

// replace starts a successor, at once if the worker did anything, else later and later; or gives up, if it is in vain: workers do not
// start, or end by themselves before they have begun anything. That the system had nothing for a successor is no reason to give up as long as
// others work.
func (e *Engine) replace(w *worker, up, idle bool, exit spawn.Exit, why error) {
	never := w.pid() == 0
	e.mu.Lock()
	if e.state == closed || w.index >= len(e.seats) {
		e.mu.Unlock()
		return
	}
	s := &e.seats[w.index]
	if e.opened && never && lacks(why) {
		if s.starved++; s.starved < patience || e.manned() {
			e.later(w.index, s.starved)
			e.mu.Unlock()
			return
		}
		e.mu.Unlock()
		e.fail(fmt.Errorf("mp: no worker is left, and %d starts in a row failed: %w", patience, why))
		return
	}
	s.starved = 0
	if s.failures++; up && !idle {
		s.failures = 0
	}
	n := s.failures
	// A worker that somebody killed may come up the next time. One that ended by itself will do so again, and so will
	// one that was killed here, for the reason there was.
	killed := exit.Signal == syscall.SIGKILL && !exit.OOM && w.startErr == nil && why == nil
	if (!up && !killed) || (n >= maxStarts && (!up || !killed)) {
		e.mu.Unlock()
		if why == nil || killed {
			why = e.cfg.LostError(w.index, w.pid(), exit)
		}
		if up {
			why = fmt.Errorf("mp: worker %d ended %d times in a row before it had begun anything: %w", w.index, n, why)
		}
		e.fail(why)
		return
	}
	if n < 2 {
		e.mu.Unlock()
		go e.start(w.index) // its own goroutine: this one belongs to the port that is ending
		return
	}
	e.later(w.index, n-1)
	e.mu.Unlock()
}

// later starts a worker after the n-th pause. Call it with mu.
func (e *Engine) later(index, n int) {
	var t *time.Timer
	t = time.AfterFunc(min(firstBackOff<<min(n-1, 10), maxBackOff), func() {
		e.mu.Lock()
		delete(e.timers, t)
		e.mu.Unlock()
		e.start(index)
	})
	e.timers[t] = struct{}{}
}

// lacks reports whether a start failed for something that others may give back: descriptors, processes, memory.
func lacks(why error) bool {
	return slices.ContainsFunc([]syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EAGAIN, syscall.ENOMEM}, func(e syscall.Errno) bool {
		return errors.Is(why, e)
	})
}

// manned reports whether somebody is there to work. Call it with mu.
func (e *Engine) manned() bool {
	return slices.ContainsFunc(e.workers, func(w *worker) bool { return w != nil && w.joined })
}

func (w *worker) pid() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.port == nil {
		return 0
	}
	return w.port.PID()
}
