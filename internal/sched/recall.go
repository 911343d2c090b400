package sched

import (
	"math"
	"slices"
)

// A Recall names what is to be taken back from a worker, because it is in the way or another could run it now.
type Recall struct {
	*Worker // nil: nothing is
	N       int
	Pinned  bool // also what only this worker may run
}

// Starves reports whether a worker has no work though there is some for it, or something that waits is in the way of something.
func (s *Scheduler) Starves() bool {
	return (len(s.idle) > 0 && s.waiting > 0) || s.Recall().Worker != nil
}

// Recall tells what should be taken back next: at least so many elements of so many that may not have begun. Whoever tries that tells by TakenBack
// what he got, and by Begun that he could not.
func (s *Scheduler) Recall() Recall {
	if len(s.wanted) > 0 {
		if r := s.most(func(*Worker) bool { return true }, 1); r.Worker != nil {
			return r
		}
	}
	if s.ranked != 0 || (s.shared.first() != nil && s.shared.first().Priority > 0) || s.pinned > 0 {
		if r := s.lower(); r.Worker != nil {
			return r
		}
	}
	switch {
	case len(s.wanted) > 0:
		return Recall{}
	case len(s.idle) > 0:
		return s.most(func(w *Worker) bool {
			return slices.ContainsFunc(s.idle, func(v *Worker) bool { j := s.turn(v); return j == nil || j.Priority < w.ahead() })
		}, 2)
	default:
		return s.overlong()
	}
}

// most is the worker with the most elements that another can run, of those that are wanted, and a part of these.
func (s *Scheduler) most(wanted func(*Worker) bool, part int) (r Recall) {
	most := 0
	for _, w := range s.workers {
		if n := w.movable(); n > most && wanted(w) {
			most = n
			r = Recall{Worker: w, N: (n + part - 1) / part}
		}
	}
	return r
}

// lower is a worker with something that has not begun, while something of a higher priority has not.
func (s *Scheduler) lower() Recall {
	highest := math.MinInt
	if j := s.shared.first(); j != nil {
		highest = j.Priority
	}
	for _, w := range s.workers {
		if w.movable() > 0 {
			highest = max(highest, w.ahead())
		}
	}
	for _, w := range s.workers {
		if w.unbegun() == 0 {
			continue
		}
		if j := s.turn(w); (w.lease == nil && w.ahead() < highest) || (j != nil && j.Priority > w.ahead()) {
			return Recall{Worker: w, N: w.unbegun(), Pinned: true}
		}
	}
	return Recall{}
}

// overlong is a worker with a long time of work ahead, of a job that would come behind the one that waits if all that were handed out
// now.
func (s *Scheduler) overlong() Recall {
	j := s.shared.first()
	if j == nil {
		return Recall{}
	}
	for _, w := range s.workers {
		n := w.movable()
		if n == 0 {
			continue
		}
		last := w.last()
		n = min(n, last.n)
		ahead := float64(n) * last.price
		if last.loose && last.job != j && last.job.Priority == j.Priority && !last.job.ended &&
			ahead > float64(windowTarget) && last.job.spent-ahead > j.spent {
			return Recall{Worker: w, N: n}
		}
	}
	return Recall{}
}
