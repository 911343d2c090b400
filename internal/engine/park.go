package engine

import (
	"slices"
	"time"
)

// With an IdleTimeout, a seat whose worker had nothing to do for so long is parked: the worker ends in order, and no other is started
// until there is more to do than workers to do it. Of those that idle the scheduler uses the one first that worked last, so the
// others grow cold. MinWorkers are never parked.

// park ends workers that have idled for too long, the coldest first.
func (e *Engine) park() {
	type rest struct {
		w  *worker
		at time.Time
	}
	var cold []rest
	for _, w := range e.resting() {
		if at := w.idleSince(); time.Since(at) >= e.cfg.IdleTimeout {
			cold = append(cold, rest{w, at})
		}
	}
	slices.SortFunc(cold, func(a, b rest) int { return a.at.Compare(b.at) })
	for _, r := range cold {
		if e.parkOne(r.w) {
			r.w.leave()
		}
	}
}

// parkOne takes a worker off its seat if it still idles, and more than MinWorkers are left.
func (e *Engine) parkOne(w *worker) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	live := 0
	for _, s := range e.seats {
		if !s.parked {
			live++
		}
	}
	if live <= e.cfg.MinWorkers || e.state != open || w.reason != "" || w.sched.InFlight() > 0 || w.sched.Lease() != nil || e.sched.Waiting() > 0 ||
		w.index >= len(e.seats) || e.workers[w.index] != w {
		return false
	}
	w.reason = reasonIdle
	e.sched.Leave(&w.sched)
	e.workers[w.index], e.seats[w.index].parked = nil, true
	return true
}

// idleSince is when the worker's last result came; call it for one that has nothing.
func (w *worker) idleSince() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.head
}

// unpark starts as many workers as there are elements that wait for one, or behind another element, for which none is on its way.
func (e *Engine) unpark() {
	var starts []int
	e.mu.Lock()
	more := e.sched.WaitingForAny()
	for i, w := range e.workers {
		switch {
		case w != nil && w.joined:
			more += int64(max(0, w.sched.InFlight()-1))
		case !e.seats[i].parked:
			more--
		case e.sched.WaitingFor(i) > 0:
			more++
		}
	}
	for _, keyed := range []bool{true, false} {
		for i := range e.seats {
			if more > 0 && e.seats[i].parked && keyed == (e.sched.WaitingFor(i) > 0) {
				e.seats[i].parked = false
				starts = append(starts, i)
				more--
			}
		}
	}
	e.mu.Unlock()
	for _, i := range starts {
		go e.start(i)
	}
}
