package engine

import (
	"math"
	"slices"

	"github.com/go-multiproc/mp/internal/sched"
)

// Hold lets the first most elements of a job begin and no others, all if most is negative: its results lie about, and whoever should take them
// does not. What has begun goes on. It costs others a moment, for what workers have not begun is taken back from them.
func (e *Engine) Hold(j *Job, most int64) {
	old := j.hold.Swap(most + 1)
	if most >= 0 && (old == 0 || most+1 < old) {
		e.mu.Lock()
		workers := e.present()
		e.mu.Unlock()
		for _, w := range workers {
			w.takeBack(math.MaxInt, true)
		}
	}
	e.mu.Lock()
	kept := j.kept
	j.kept = nil
	for _, r := range slices.Concat(kept, e.sched.Drain(&j.sched)) {
		e.requeue(j, r)
	}
	e.mu.Unlock()
	e.dispatch()
}

// holds reports whether some of these elements are not to begin now. Who sends asks under the worker's lock: so what was sent before Hold is
// taken back by it, and what is sent after it is not.
func (j *Job) holds(first int64, n int) bool {
	most := j.hold.Load() - 1
	return most >= 0 && first+int64(n) > most
}

// requeue gives elements that wait to the scheduler, but those that are held. Call it with mu.
func (e *Engine) requeue(j *Job, r sched.Range) {
	if most := j.hold.Load() - 1; most >= 0 && e.interrupt.Load() == 0 {
		free := int(min(max(most-r.First, 0), int64(r.N)))
		if free < r.N {
			j.kept = append(j.kept, sched.Range{First: r.First + int64(free), N: r.N - free})
		}
		r.N = free
	}
	e.sched.Return(&j.sched, r)
}

// hold keeps a batch back that was on its way to w when its job was held.
func (w *worker) hold(o outgoing) {
	w.dropped(o.job, o.n)
	w.e.mu.Lock()
	w.e.requeue(o.job, sched.Range{First: o.first, N: o.n})
	w.e.mu.Unlock()
}

// keptBack is how many elements are. Call it with mu.
func (e *Engine) keptBack() (n int) {
	for j := range e.jobs {
		for _, r := range j.kept {
			n += r.N
		}
	}
	return n
}
