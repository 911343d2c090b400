package engine

import (
	"slices"
	"time"
)

// Stats is what an engine did so far.
type Stats struct {
	Queued, Running                        int
	Done, Failed, Retried, Restarts, Bytes int64
	Workers                                []WorkerInfo
}

// WorkerInfo is what a worker does.
type WorkerInfo struct {
	Index, PID int
	State      string // "starting", "idle", "running", "parked"
	Function   string
	Since      time.Time
	Done, RSS  int64
}

// Stats takes stock.
func (e *Engine) Stats() Stats {
	workers := e.Workers()
	e.mu.Lock()
	defer e.mu.Unlock()
	s := Stats{
		Queued: int(e.sched.Waiting()), Done: e.done, Failed: e.failed, Retried: e.retried,
		Restarts: e.restarts, Bytes: e.bytes, Workers: workers,
	}
	for _, w := range e.workers {
		if w != nil {
			s.Queued += max(0, w.sched.InFlight()-1)
			s.Running += min(1, w.sched.InFlight())
		}
	}
	return s
}

// Workers tells what each worker does, by index; one that is not there has only its index and state.
func (e *Engine) Workers() []WorkerInfo {
	e.mu.Lock()
	workers, seats := slices.Clone(e.workers), slices.Clone(e.seats)
	e.mu.Unlock()
	infos := make([]WorkerInfo, len(workers))
	for i, w := range workers {
		switch infos[i] = (WorkerInfo{Index: i, State: "starting"}); {
		case w != nil:
			infos[i] = w.info()
		case seats[i].parked:
			infos[i].State = "parked"
		}
	}
	return infos
}

func (w *worker) info() WorkerInfo {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := WorkerInfo{Index: w.index, State: "starting", Since: w.since, Done: w.done}
	if w.port == nil || w.dead {
		return i
	}
	i.PID, i.RSS = w.port.PID(), w.port.RSS()
	if !w.up {
		return i
	}
	i.State = "idle"
	for _, b := range w.fifo.All() {
		if !b.finished() {
			i.State, i.Function, i.Since = "running", b.Job.Function, w.head
			break
		}
	}
	return i
}

// count counts an element that ended without the help of a worker's result.
func (e *Engine) count(ok bool) {
	e.mu.Lock()
	if ok {
		e.done++
	} else {
		e.failed++
	}
	e.mu.Unlock()
}

func (e *Engine) observe(ev Event) {
	if e.cfg.Observe != nil {
		e.cfg.Observe(ev)
	}
}
