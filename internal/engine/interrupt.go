package engine

import (
	"context"
	"math"
	"time"

	"github.com/go-multiproc/mp/internal/sched"
)

// ErrInterrupted reports what was not finished because the engine was interrupted. It is a context.Canceled, too.
var ErrInterrupted error = interruption{}

type interruption struct{}

func (interruption) Error() string { return "mp: interrupted" }

func (interruption) Is(target error) bool { return target == context.Canceled }

// How far an interrupt is. The values only grow.
const (
	gathering int32 = iota + 1 // nothing is given to workers any more; what they have not begun is taken back
	sweeping                   // what waits fails
)

// Interrupt ends the engine in order, and soon: what runs is told by its context, and has Grace to finish; everything else fails
// now. Each worker then runs Teardown and ends; the last of them is killed if that takes longer than a start may. It does not wait for that. It
// reports false if the engine was interrupted before.
func (e *Engine) Interrupt() bool {
	if !e.interrupt.CompareAndSwap(0, gathering) {
		return false
	}
	e.mu.Lock()
	if e.state == open {
		e.state = closing
		e.change()
	}
	workers := e.present()
	jobs := make([]*Job, 0, len(e.jobs))
	for j := range e.jobs {
		jobs = append(jobs, j)
	}
	e.mu.Unlock()
	for _, j := range jobs {
		if j.Interrupted != nil {
			j.Interrupted()
		}
	}
	for _, w := range workers {
		w.interrupt()
	}
	// Only now, so that of each job the lowest fails first.
	e.interrupt.Store(sweeping)
	e.sweep()
	e.retire()
	e.dispatch() // a worker that lies about what it has begun may give back more
	go func() {
		limit := time.NewTimer(e.cfg.StartTimeout)
		defer limit.Stop()
		select {
		case <-e.ended:
		case <-limit.C:
			e.Kill()
		}
	}()
	return true
}

// Ended is closed when the engine is closed and its last worker gone.
func (e *Engine) Ended() <-chan struct{} { return e.ended }

// interrupt takes back what w has not begun, and cancels what it has. Nothing more is sent to it: who sends looks whether the
// engine is interrupted under w's lock.
func (w *worker) interrupt() {
	w.takeBack(math.MaxInt, true)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.interrupted = true // not before: the number that is cancelled must be that of an element that has begun
	w.watch()
}

// sweep fails what waits for a worker: none will take it.
func (e *Engine) sweep() {
	type left struct {
		j      *Job
		ranges []sched.Range
	}
	var all []left
	e.mu.Lock()
	for j := range e.jobs {
		ranges := append(e.sched.Drain(&j.sched), j.kept...)
		if j.kept = nil; len(ranges) > 0 {
			all = append(all, left{j, ranges})
		}
	}
	e.mu.Unlock()
	for _, l := range all {
		n := int64(0)
		for _, r := range l.ranges {
			for k := range int64(r.N) {
				l.j.deliver(r.First+k, Result{Failure: &Failure{Reason: Interrupted, Err: ErrInterrupted, Worker: -1}, Worker: -1})
			}
			n += int64(r.N)
		}
		e.mu.Lock()
		e.failed += n
		e.mu.Unlock()
		l.j.delivered(n)
	}
}

// stopFailure is why what is outstanding fails when the engine is killed.
func (e *Engine) stopFailure() *Failure {
	if e.interrupt.Load() != 0 {
		return &Failure{Reason: Interrupted, Err: ErrInterrupted}
	}
	return &Failure{Reason: Stopped, Err: ErrClosed}
}
