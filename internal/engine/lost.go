package engine

import (
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
	begun := false // anything: then what it was given may have killed it, and a successor will do better
	number := w.received()
	e.mu.Lock()
	e.sched.Leave(&w.sched)
	for _, b := range slices.Concat(w.fifo.All(), w.stalled) {
		if b.Job.private { // its end is the worker's, and nobody else is to run it
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
			if w.ladder.up && w.ladder.element == number && w.ladder.timeout {
				f.Reason, f.Timeout, f.Killed = TimedOut, b.Job.Timeout, w.ladder.killed
			}
			number++
			if i := b.First + int64(k); !e.again(b.Job, i, f) {
				failed = append(failed, lostElement{b.Job, i, f})
			}
		}
		e.sched.Return(&b.Job.sched, sched.Range{First: b.First + int64(started), N: n - started})
	}
	w.fifo, w.stalled = fifo.Queue[*Batch]{}, nil
	if e.workers[w.index] == w {
		e.workers[w.index] = nil
	}
	if w.up && e.state != closed {
		e.missing++
		e.change()
	}
	if w.startErr != nil {
		why = w.startErr
	}
	up, idle := w.up, w.done == 0 && !begun
	e.books.bury(w)
	e.mu.Unlock()
	w.mu.Unlock()

	var err error
	if exit.Code != 0 || why != nil {
		err = e.cfg.LostError(w.index, pid, exit)
		e.blame(w.index, err)
	}
	e.observe(Event{Kind: WorkerEnded, Index: -1, Worker: w.index, PID: pid, Err: err, Duration: time.Since(w.since)})
	for _, l := range failed {
		e.count(false)
		l.j.settle(l.i, Result{Failure: l.f, Worker: w.index, PID: pid, Took: w.took(l.j)})
	}
	e.replace(w, up, idle, exit, why)
	e.dispatch()
}

type lostElement struct {
	j *Job
	i int64
	f *Failure
}

// again returns an element to the scheduler if it has tries left. Call it with mu.
func (e *Engine) again(j *Job, i int64, f *Failure) bool {
	if j.Retries <= 0 || !j.begun {
		return false
	}
	if j.attempts == nil {
		j.attempts = make(map[int64]int)
	}
	j.attempts[i]++
	f.Attempts = j.attempts[i]
	if f.Attempts > j.Retries {
		delete(j.attempts, i)
		return false
	}
	e.retried++
	e.sched.Return(&j.sched, sched.Range{First: i, N: 1})
	return true
}

// replace starts a successor, at once if the worker did anything, else later and later; or gives up.
func (e *Engine) replace(w *worker, up, idle bool, exit spawn.Exit, why error) {
	e.mu.Lock()
	if e.state == closed {
		e.mu.Unlock()
		e.checkEnded()
		return
	}
	e.restarts++
	if up && !idle {
		e.failures[w.index] = 0
	} else {
		e.failures[w.index]++
	}
	n := e.failures[w.index]
	// A worker that somebody killed may come up the next time. One that ended by itself will do so again, and so will
	// one that was killed here, for the reason there was.
	killed := exit.Signal == syscall.SIGKILL && !exit.OOM && w.startErr == nil && why == nil
	if !up && (!killed || n >= maxStarts) {
		e.mu.Unlock()
		if why == nil || killed {
			why = e.cfg.LostError(w.index, w.pid(), exit)
		}
		e.fail(why)
		return
	}
	if n < 2 {
		e.mu.Unlock()
		go e.start(w.index) // its own goroutine: this one belongs to the port that is ending
		return
	}
	var t *time.Timer
	t = time.AfterFunc(min(firstBackOff<<min(n-2, 10), maxBackOff), func() {
		e.mu.Lock()
		delete(e.timers, t)
		e.mu.Unlock()
		e.start(w.index)
	})
	e.timers[t] = struct{}{}
	e.mu.Unlock()
}

func (w *worker) pid() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.port == nil {
		return 0
	}
	return w.port.PID()
}
