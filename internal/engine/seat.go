package engine

import (
	"time"

	"github.com/go-multiproc/mp/internal/spawn"
)

// A seat is the place of one index, which workers take one after the other. The present worker is in Engine.workers; beside it there
// may be its heir, and others that only finish what they have begun. The engine's mutex guards it all.
type seat struct {
	heir     *worker // starts, or waits until the present worker is spent
	failures int     // workers in a row of which nothing came
	starved  int     // starts in a row for which the system had not enough of something
	parked   bool    // there is no worker, for there was nothing to do
}

// Reasons for which a worker ended.
const (
	reasonDeath     = "death"        // by itself, or killed by others
	reasonTimeout   = "timeout"      // it was killed for an element that ran too long
	reasonCancelled = "cancelled"    // ... or that nobody wanted any more
	reasonMemory    = "memory limit" // it ran out of memory, or over its limit
	reasonStart     = "start failed" // it was never ready
	reasonTasks     = "MaxTasks"
	reasonAge       = "MaxAge"
	reasonRSS       = "MaxRSS"
	reasonIdle      = "idle"
	reasonResize    = "resize"
	reasonClose     = "close"
)

// seat makes n seats of those that there are, or fewer, and returns the indexes of new ones that workers are to be started for. Those
// who sat on seats that are gone are the caller's to retire.
func (e *Engine) seat(n int) (starts []int) {
	for i := len(e.seats); i < n; i++ {
		parked := e.cfg.IdleTimeout > 0 && i >= max(1, e.cfg.MinWorkers)
		e.workers, e.seats = append(e.workers, nil), append(e.seats, seat{parked: parked})
		e.sched.Open(i)
		if !parked {
			starts = append(starts, i)
		}
	}
	clear(e.workers[n:])
	clear(e.seats[n:])
	e.workers, e.seats = e.workers[:n], e.seats[:n]
	return starts
}

// present is every worker that is not gone. Call it with mu.
func (e *Engine) present() []*worker {
	workers := make([]*worker, 0, len(e.all))
	for w := range e.all {
		workers = append(workers, w)
	}
	return workers
}

// ready reports whether every worker that is wanted has run Setup. Call it with mu.
func (e *Engine) ready() bool {
	for i, w := range e.workers {
		if !e.seats[i].parked && (w == nil || !w.joined) {
			return false
		}
	}
	return true
}

// start starts a worker for an index that has none, or an heir of one that is to be replaced; it does nothing where there is no need.
func (e *Engine) start(index int) {
	w := &worker{e: e, index: index, since: time.Now()}
	w.m.mark = w.since
	e.mu.Lock()
	wanted := e.place(w)
	e.mu.Unlock()
	if !wanted {
		return
	}
	// Under the worker's lock, for the port may report before Start has returned it.
	w.mu.Lock()
	port, err := e.cfg.Start(index, w)
	w.port = port
	w.timer = time.AfterFunc(e.cfg.StartTimeout, w.expired)
	w.arm(e.cfg.StartTimeout)
	late := w.retired // whoever wanted it gone found no port
	w.mu.Unlock()
	if err != nil {
		w.Lost(spawn.Exit{}, err)
		return
	}
	e.mu.Lock()
	late = late || e.killing
	e.mu.Unlock()
	if late {
		w.kill()
	}
}

// place gives a new worker its seat, or reports that nobody wants it. Call it with mu.
func (e *Engine) place(w *worker) bool {
	if e.state == closed || e.interrupt.Load() != 0 || w.index >= len(e.seats) {
		return false
	}
	s := &e.seats[w.index]
	switch old := e.workers[w.index]; {
	case old == nil:
		e.workers[w.index], s.parked = w, false
	case old.reason != "" && s.heir == nil:
		s.heir = w
	default:
		return false
	}
	e.all[w] = struct{}{}
	return true
}

// admit lets a worker that has run Setup work, if it is its turn, and returns the one in whose place it does, which is to leave. Call it
// with mu.
func (e *Engine) admit(w *worker) (old *worker) {
	if e.state == closed || w.index >= len(e.seats) {
		return nil
	}
	s, sits := &e.seats[w.index], e.workers[w.index]
	switch {
	case sits == w:
	case s.heir != w:
		return nil
	case sits.sched.Lease() != nil, sits.reason == reasonTasks && !spent(sits):
		w.ready = true
		return nil
	default:
		old, s.heir, e.workers[w.index] = sits, nil, w
		e.sched.Leave(&old.sched)
	}
	w.joined = true
	w.sched.Owner, w.sched.Index = w, w.index
	if e.cfg.MaxTasks > 0 {
		w.sched.Limit(e.cfg.MaxTasks)
	}
	e.sched.Join(&w.sched)
	e.change()
	return old
}

// vacate takes a worker that has ended off its seat, and reports whether another is to be started. Call it with mu.
func (e *Engine) vacate(w *worker) (wanted bool) {
	delete(e.all, w)
	if w.index >= len(e.seats) {
		return false
	}
	s := &e.seats[w.index]
	switch w {
	case s.heir:
		s.heir = nil
		return true
	case e.workers[w.index]:
		e.workers[w.index] = s.heir
		heir := s.heir
		if s.heir = nil; heir == nil {
			return true
		}
		if heir.ready {
			e.admit(heir)
		}
	}
	return false
}
