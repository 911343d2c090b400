package engine

import (
	"errors"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

var errUnexpected = errors.New("a result of no element")

// A burst is what the port's consumer notes of results until Progress.
type burst struct {
	batch *Batch // at the head
	job   *Job   // of the last result
	n     int64  // results of that job
	total int    // of any job
	bad   int    // of these, errors
	mixed bool   // of several jobs
}

// Result implements Host. It takes no lock but to look into an alert.
func (w *worker) Result(status uint8, payload []byte) error {
	r := Result{Status: status, Payload: payload, Worker: w.index}
	b := w.burst.batch
	if w.alert.Load() != 0 || b == nil || b.finished() {
		if b = w.atHead(&r); b == nil {
			return errUnexpected
		}
		w.burst.batch = b
	}
	j, done := b.Job, b.done.Load()
	if !j.private {
		w.note(j, status != abi.StatusOK || r.Failure != nil)
	}
	i := b.First + int64(done)
	b.done.Store(done + 1) // from here on b may be trimmed
	if w.e.cfg.Observe != nil && !j.private {
		w.e.observe(Event{Kind: "finish", Function: j.Function, Index: i, Worker: w.index, PID: w.pid()})
	}
	j.deliver(i, r)
	return nil
}

// atHead is the batch at the head, nil if there is none, and whether the ladder has already decided about its element.
func (w *worker) atHead(r *Result) *Batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trim()
	if w.fifo.Len() == 0 {
		return nil
	}
	b := w.fifo.First()
	r.Failure = w.descend(b)
	return b
}

func (w *worker) note(j *Job, bad bool) {
	c := &w.burst
	if c.job != j {
		w.tell()
		c.mixed = c.total > 0
		c.job = j
	}
	c.n++
	c.total++
	if bad {
		c.bad++
	}
}

// tell tells the job of the last results how many they were.
func (w *worker) tell() {
	if j, n := w.burst.job, w.burst.n; j != nil && n > 0 {
		w.burst.n = 0
		j.delivered(n)
	}
}

// Progress implements Host.
func (w *worker) Progress() {
	w.tell()
	c := w.burst
	w.burst = burst{batch: c.batch}
	now := time.Now()
	w.mu.Lock()
	took := now.Sub(w.head)
	if w.fifo.Len() > 0 && w.fifo.First().done.Load() > 0 {
		w.head = now
		w.trim()
	}
	sent := false
	for len(w.stalled) > 0 && w.port.Send(w.stalled[0], w.stalled[0].payload) {
		b := w.stalled[0]
		w.stalled = w.stalled[1:]
		b.payload = nil
		w.append(b)
		sent = true
	}
	if sent {
		w.port.Flush()
	}
	w.watch()
	if w.fifo.Len() == 0 {
		w.burst.batch, w.slab = nil, nil // what is idle keeps no job's memory
	}
	w.done += int64(c.total)
	up := w.up
	w.mu.Unlock()
	if !up {
		return
	}
	e := w.e
	e.mu.Lock()
	if c.job != nil && !c.mixed {
		c.job.sched.Cost.Observe(c.total, took)
	}
	e.done += int64(c.total - c.bad)
	e.failed += int64(c.bad)
	e.sched.Finished(&w.sched, c.total)
	e.mu.Unlock()
	e.fill(w)
	e.balance()
}
