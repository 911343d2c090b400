package engine

import (
	"maps"
	"slices"
	"time"

	"github.com/go-multiproc/mp/internal/histo"
)

// Stats is what an engine did so far.
type Stats struct {
	Queued, Running          int
	Done, Failed, Retried    int64
	Accepted, Cancelled      int64
	Restarts                 int64
	RestartsBy               map[string]int64
	BytesSent, BytesGot      int64
	Workers                  []WorkerInfo
	Spent                    Spent
	WaitingTime, WorkingTime *histo.Histogram
	Slowest                  []Slow
}

// Spent is what workers did with their time.
type Spent struct{ Starting, Init, Waiting, Working, Exiting time.Duration }

// WorkerInfo is what a worker does, and what all workers of its index did.
type WorkerInfo struct {
	Index, PID int
	State      string // "starting", "idle", "running", "parked"
	Function   string
	Since      time.Time
	Done, RSS  int64

	Restarts, PeakRSS, BytesSent, BytesGot int64
	Spent                                  Spent
	LastError                              error
}

// Stats takes stock.
func (e *Engine) Stats() Stats {
	v := e.survey()
	s := v.all.stats()
	s.Workers, s.WaitingTime, s.WorkingTime = v.infos, &v.waiting, &v.running
	e.mu.Lock()
	defer e.mu.Unlock()
	s.Done, s.Failed, s.Retried, s.Restarts, s.RestartsBy = e.done, e.failed, e.retried, e.restarts, maps.Clone(e.reasons)
	s.Slowest = slices.Clone(e.books.slow)
	inFlight := 0
	for w := range e.all {
		n := w.sched.InFlight()
		if w.index >= len(e.workers) || e.workers[w.index] != w { // the scheduler has forgotten it, but it finishes what it has begun
			n = v.held[w]
		}
		inFlight += n
		s.Running += min(1, n)
	}
	s.Queued = int(e.sched.Waiting()) + inFlight - s.Running + e.keptBack()
	s.Accepted = e.books.accepted
	s.Cancelled = max(0, s.Accepted-s.Done-s.Failed-int64(s.Queued+s.Running))
	return s
}

// Workers tells what each worker does, by index; one that is not there has only its index and state, and what was before.
func (e *Engine) Workers() []WorkerInfo { return e.survey().infos }

// A survey is what is known of all workers at one moment.
type survey struct {
	infos            []WorkerInfo
	held             map[*worker]int // elements that it has
	all              sums
	waiting, running histo.Histogram
}

// survey asks every worker, and the books for those that have ended. If one ends meanwhile, it begins anew: it would be found in both
// places, or in none.
func (e *Engine) survey() *survey {
	for {
		e.mu.Lock()
		deaths, all, workers, seats := e.books.ended, e.present(), slices.Clone(e.workers), slices.Clone(e.seats)
		e.mu.Unlock()
		v := &survey{infos: make([]WorkerInfo, len(workers)), held: make(map[*worker]int)}
		by := make([]sums, len(workers))
		for i, w := range workers {
			switch v.infos[i] = (WorkerInfo{Index: i, State: "starting"}); {
			case w != nil:
				v.infos[i] = w.info()
			case seats[i].parked:
				v.infos[i].State = "parked"
			}
		}
		for _, w := range all {
			s := w.measured(v)
			v.enter(w.index, &s, by)
		}
		e.mu.Lock()
		same := deaths == e.books.ended
		if same {
			v.waiting.Merge(&e.books.waiting)
			v.running.Merge(&e.books.running)
			for i, s := range e.books.past {
				v.enter(i, s, by)
			}
		}
		e.mu.Unlock()
		if same {
			for i := range by {
				by[i].inform(&v.infos[i])
			}
			return v
		}
	}
}

// enter adds what one worker did, or several of one index.
func (v *survey) enter(index int, s *sums, by []sums) {
	v.all.add(s)
	if index < len(by) { // else the pool has shrunk since
		by[index].add(s)
	}
}

// info is what the worker does now.
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

// measured is what the worker has measured so far; its histograms are added to the survey's.
func (w *worker) measured(v *survey) sums {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.m.turn(w.m.doing, time.Now())
	w.m.wait.flush(&w.m.waiting)
	if w.port != nil && !w.dead {
		w.m.peak = max(w.m.peak, w.port.PeakRSS())
	}
	for _, b := range slices.Concat(w.fifo.All(), w.stalled) {
		if !b.Job.private {
			v.held[w] += int(b.n.Load() - b.done.Load())
		}
	}
	v.waiting.Merge(&w.m.waiting)
	v.running.Merge(&w.m.running)
	return w.m.sums
}

// inform fills in what was measured.
func (s *sums) inform(i *WorkerInfo) {
	i.Restarts, i.PeakRSS, i.BytesSent, i.BytesGot, i.LastError = s.ended, s.peak, s.sent, s.received, s.err
	i.Spent = s.times()
}

func (s *sums) stats() Stats {
	return Stats{BytesSent: s.sent, BytesGot: s.received, Spent: s.times()}
}

func (s *sums) times() Spent {
	return Spent{s.spent[starting], s.spent[initializing], s.spent[idling], s.spent[working], s.spent[leaving]}
}
