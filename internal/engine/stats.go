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
	State      string // "starting", "idle", "running"
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
	waiting, inFlight := e.sched.Waiting(), 0
	for _, w := range e.living() {
		inFlight += w.sched.InFlight()
		s.Running += min(1, w.sched.InFlight())
	}
	s.Queued = int(waiting) + inFlight - s.Running
	s.Accepted = e.books.accepted
	s.Cancelled = s.Accepted - s.Done - s.Failed - int64(s.Queued+s.Running)
	return s
}

// Workers tells what each worker does, by index; one that is not there has only its index and state, and what was before.
func (e *Engine) Workers() []WorkerInfo { return e.survey().infos }

// living is every worker that is there. Call it with mu.
func (e *Engine) living() []*worker {
	return slices.DeleteFunc(slices.Clone(e.workers), func(w *worker) bool { return w == nil })
}

// A survey is what is known of all workers at one moment.
type survey struct {
	infos            []WorkerInfo
	all              sums
	waiting, running histo.Histogram
}

// survey asks every worker, and the books for those that have ended. If one ends meanwhile, it begins anew: it would be found in both
// places, or in none.
func (e *Engine) survey() *survey {
	for {
		e.mu.Lock()
		deaths, living, present := e.books.ended, e.living(), slices.Clone(e.workers)
		e.mu.Unlock()
		v := &survey{infos: make([]WorkerInfo, len(present))}
		by := make(map[int]*sums)
		for i, w := range present {
			v.infos[i] = WorkerInfo{Index: i, State: "starting"}
			if w != nil {
				v.infos[i] = w.info()
			}
			by[i] = new(sums)
		}
		for _, w := range living {
			s := w.measured(v)
			v.all.add(&s)
			if of := by[w.index]; of != nil {
				of.add(&s)
			}
		}
		e.mu.Lock()
		same := deaths == e.books.ended
		if same {
			e.books.report(v, by)
		}
		e.mu.Unlock()
		if same {
			for i := range v.infos {
				by[i].inform(&v.infos[i])
			}
			return v
		}
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
	v.waiting.Merge(&w.m.waiting)
	v.running.Merge(&w.m.running)
	return w.m.sums
}

// report adds what is in the books to a survey, and to the sums by index.
func (k *books) report(v *survey, by map[int]*sums) {
	v.waiting.Merge(&k.waiting)
	v.running.Merge(&k.running)
	for i, s := range k.past {
		v.all.add(s)
		if of := by[i]; of != nil {
			of.add(s)
		}
	}
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
