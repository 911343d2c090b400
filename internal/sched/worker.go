package sched

import (
	"time"

	"github.com/go-multiproc/mp/internal/fifo"
)

// A Worker is one that elements can be given to. The zero value is not ready.
type Worker struct {
	Owner any // whose worker it is
	Index int // its place, which a successor has, too

	ready    bool
	limited  bool
	left     int64 // if limited, how many more elements it may be given
	inFlight int   // handed out and not finished
	begun    int   // of these, the first, which are known to have begun
	loose    int   // of those in flight, the ones that another may run
	load     float64
	runs     fifo.Queue[run] // what is in flight, in order
	idle     bool
	passed   bool // it cannot take anything now
	sated    bool // it had as much as it may; it gets more when a quarter of that is gone
	own      *Pin // what waits for its place
	lease    *Pin // who has it for himself
}

// A run is elements of one job that follow each other on a worker.
type run struct {
	job   *Job
	n     int
	price float64 // of each
	loose bool    // another worker may run it
}

// InFlight is the number of elements that the worker was given and has not finished.
func (w *Worker) InFlight() int { return w.inFlight }

// Limit lets w be given n elements in all. Those that are taken back from it do not count, nor does the limit hold for who leases
// it. Call it before Join.
func (w *Worker) Limit(n int64) { w.limited, w.left = true, n }

// Left is how many more elements w may be given, if that is limited.
func (w *Worker) Left() (n int64, limited bool) { return w.left, w.limited }

// Lease is who has w for himself; nil if nobody has.
func (w *Worker) Lease() *Pin { return w.lease }

// spent reports whether w may be given nothing more.
func (w *Worker) spent() bool { return w.limited && w.left <= 0 && w.lease == nil }

// unbegun is how many of the elements in flight may not have begun.
func (w *Worker) unbegun() int { return w.inFlight - w.begun }

// ahead is the priority of what has not begun, which is all of one.
func (w *Worker) ahead() int { return w.last().job.Priority }

// last is the last run; there must be one.
func (w *Worker) last() *run { return &w.runs.All()[w.runs.Len()-1] }

// movable is how many elements may not have begun, and can be run by another.
func (w *Worker) movable() int {
	n, begun := w.loose, w.begun
	for _, r := range w.runs.All() {
		if begun <= 0 {
			break
		}
		if r.loose {
			n -= min(r.n, begun)
		}
		begun -= r.n
	}
	return n
}

// push notes that w was given elements.
func (w *Worker) push(j *Job, n int, price float64) {
	j.given += int64(n)
	r := run{j, n, price, j.Pin == nil}
	if w.runs.Len() > 0 && w.last().job == j && w.last().price == price && w.last().loose == r.loose {
		w.last().n += n
	} else {
		w.runs.Push(r)
	}
	w.count(r, n)
	w.begun = max(w.begun, 1)
}

func (w *Worker) count(r run, n int) {
	w.inFlight += n
	if r.loose {
		w.loose += n
	}
	if w.inFlight == 0 {
		w.load = 0 // sums of fractions leave some
	} else {
		w.load += float64(n) * r.price
	}
	r.job.out += float64(n) * r.price
}

// pop takes up to n elements off the first run.
func (w *Worker) pop(n int) run {
	first := &w.runs.All()[0]
	r := *first
	r.n = min(n, r.n)
	if first.n -= r.n; first.n == 0 {
		w.runs.Pop()
	}
	w.count(r, -r.n)
	w.begun = max(w.begun-r.n, min(1, w.inFlight))
	return r
}

// scale is how many times longer than they were charged the first n elements have taken, 1 if that is not known, and whether all are of one
// job.
func (w *Worker) scale(n int, took time.Duration) (scale float64, one bool) {
	if took <= 0 || n == 0 {
		return 1, false
	}
	charge, all := 0.0, w.runs.All()
	for _, r := range all {
		if n <= 0 {
			break
		}
		charge += float64(min(n, r.n)) * r.price
		n -= r.n
		one = r.job == all[0].job
	}
	return float64(took) / charge, one
}

// cut takes n elements off the end, those of j first: its owner may have sent them in another order than they were handed out,
// so others may have been counted in their stead. It returns what they were charged.
func (w *Worker) cut(j *Job, n int) (charge float64) {
	for _, others := range []bool{false, true} {
		for at := w.runs.Len() - 1; at >= 0 && n > 0; at-- {
			r := &w.runs.All()[at]
			if r.job != j && !others {
				continue
			}
			k := min(n, r.n)
			n -= k
			charge += float64(k) * r.price
			w.count(*r, -k)
			r.job.given -= int64(k)
			if r.n -= k; r.n == 0 {
				w.runs.RemoveAt(at)
			}
		}
	}
	w.begun = min(w.begun, w.inFlight)
	return charge
}
