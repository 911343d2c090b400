package engine

import (
	"context"
	"errors"
	"fmt"
)

// ErrNoWorker reports a worker that does not run now: it is being started, or has ended.
var ErrNoWorker = errors.New("mp: it does not run now")

// Ask asks a worker something, and waits for its answer, of at most limit bytes, until ctx ends.
func (e *Engine) Ask(ctx context.Context, index int, name string, arg []byte, limit int) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	var w *worker
	over := e.state == closed
	known := index >= 0 && index < len(e.workers)
	if known {
		w = e.workers[index]
	}
	e.mu.Unlock()
	switch {
	case !known:
		return nil, fmt.Errorf("mp: there is no worker %d", index)
	case w == nil && over:
		return nil, ErrClosed
	case w == nil:
		return nil, fmt.Errorf("mp: worker %d: %w", index, ErrNoWorker)
	}
	w.mu.Lock()
	asker, ok := w.port.(Asker)
	w.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("mp: worker %d: %w", index, ErrNoWorker)
	}
	return asker.Ask(ctx, name, arg, limit)
}

// Fraction implements FractionHost.
func (w *worker) Fraction(number uint64, fraction float64) {
	w.telling.Lock()
	defer w.telling.Unlock()
	j, i, pid := w.runs(number)
	if j == nil {
		return
	}
	if !j.ended.Load() {
		w.e.Tell(j, Event{Kind: Fraction, Index: i, Worker: w.index, PID: pid, Fraction: fraction})
	}
}

// runs finds the element with this number, which has begun: its job, nil if it has ended. Call it with telling.
func (w *worker) runs(number uint64) (j *Job, index int64, pid int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead || w.port == nil || number < w.passed {
		return nil, 0, 0
	}
	number -= w.passed
	for _, b := range w.fifo.All() {
		if n := uint64(b.n.Load()); number >= n {
			number -= n
			continue
		}
		if number < uint64(b.done.Load()) || b.Job.private {
			break
		}
		return b.Job, b.First + int64(number), w.port.PID()
	}
	return nil, 0, 0
}
