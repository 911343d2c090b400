package engine

import (
	"github.com/go-multiproc/mp/internal/codec"
	"github.com/go-multiproc/mp/internal/sched"
)

// An element has one budget of attempts, whatever ends them: the death of its worker, its timeout, or, if the job says so, an error.

// again returns an element to the scheduler if it has tries left, and notes in f how often it was tried. Call it with mu.
func (e *Engine) again(j *Job, i int64, f *Failure) bool {
	if j.Retries <= 0 || !j.begun || e.interrupt.Load() != 0 {
		return false
	}
	if j.attempts == nil {
		j.attempts = make(map[int64]int)
		j.retried.Store(true)
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

// settled forgets how often an element was tried.
func (e *Engine) settled(j *Job, i int64) {
	e.mu.Lock()
	delete(j.attempts, i)
	e.mu.Unlock()
}

// retry runs an element again whose outcome is a timeout that it has heeded, or an error that the job wants another try for. The port's
// consumer calls it.
func (w *worker) retry(j *Job, i int64, r Result) bool {
	if j.Retries <= 0 || j.ended.Load() || (r.Failure == nil && (j.RetryIf == nil || !j.RetryIf(i, r))) {
		return false
	}
	f := r.Failure
	if f == nil {
		f = new(Failure)
	}
	w.e.mu.Lock()
	again := w.e.again(j, i, f)
	w.e.mu.Unlock()
	if again {
		w.burst.add(j, i, 1, len(r.Payload))
		w.burst.again++
		codec.GiveUp(r.Payload) // it may hold what moved here
		w.e.observeRetry(j, i, r, f.Attempts)
	}
	return again
}

// observeRetry tells of an attempt that failed, and is not the last.
func (e *Engine) observeRetry(j *Job, i int64, r Result, attempt int) {
	if !j.observed {
		return
	}
	var err error
	if j.Error != nil {
		err = j.Error(i, r)
	}
	e.Tell(j, Event{Kind: Retry, Index: i, Worker: r.Worker, PID: r.PID, Err: err, Attempt: attempt})
}
