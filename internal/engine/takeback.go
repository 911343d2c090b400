package engine

import (
	"slices"

	"github.com/go-multiproc/mp/internal/sched"
)

// takeBack takes back at least n elements that have not begun, if there are so many, the last first: pinned ones only if that is
// said, for no other worker is to run them. Elements of jobs that have ended are gone. It reports false if it changed nothing, not even what
// the scheduler knows.
func (w *worker) takeBack(n int, pinned bool) bool {
	var got []part
	total := 0
	w.mu.Lock()
	if w.dead {
		w.mu.Unlock()
		return false
	}
	take := func(b *Batch, left int) {
		got = append(got, part{b.Job, sched.Range{First: b.First + int64(b.n.Load()), N: left}})
		total += left
	}
	for i := len(w.stalled) - 1; i >= 0 && total < n; i-- {
		if b := w.stalled[i]; pinned || !b.Job.pinned() {
			w.stalled = slices.Delete(w.stalled, i, i+1)
			take(b, int(b.n.Swap(0)))
		}
	}
	sent := w.fifo.All()
	for i := len(sent) - 1; i >= 0 && total < n; i-- {
		if b := sent[i]; !b.Job.private && (pinned || !b.Job.pinned()) {
			take(b, w.cut(b))
		}
	}
	w.trim()
	begun := w.begun()
	w.mu.Unlock()
	return w.giveUp(got, begun) || total > 0
}

// begun is how many elements that the scheduler knows of have begun, ever. Call it with mu.
func (w *worker) begun() (n int64) {
	n = int64(w.passed) - w.hidden
	for _, b := range w.fifo.All() {
		if b.Job.private {
			continue
		}
		own := int(b.n.Load())
		k := min(max(w.port.Begun(b), int(b.done.Load())), own)
		if n += int64(k); k < own {
			break
		}
	}
	return n
}

// part is some elements of a job that were taken back.
type part struct {
	j *Job
	r sched.Range
}

// giveUp returns what was taken back from w to the scheduler, and tells it how many of its elements have begun, ever. It reports whether that
// was news.
func (w *worker) giveUp(parts []part, begun int64) (news bool) {
	e := w.e
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range parts {
		e.sched.TakenBack(&w.sched, &p.j.sched, p.r.N)
		// In halves, for a part stays together on its way: else a large one would go to and fro between two workers.
		half := p.r.N / 2
		e.sched.Return(&p.j.sched, sched.Range{First: p.r.First, N: half})
		e.sched.Return(&p.j.sched, sched.Range{First: p.r.First + int64(half), N: p.r.N - half})
	}
	return e.sched.Begun(&w.sched, int(begun-w.shown))
}

// release takes back everything that has not begun, also what was not sent yet. Call it with mu.
func (w *worker) release() []part {
	parts, _ := w.freeze()
	for _, b := range w.stalled {
		parts = append(parts, part{b.Job, sched.Range{First: b.First, N: int(b.n.Load())}})
	}
	w.stalled = nil
	return parts
}

// freeze takes back everything that was sent and has not begun, and returns how many elements have begun, ever. Call it
// with mu: until it is given up nothing can begin but what was not sent yet.
func (w *worker) freeze() (parts []part, begun uint64) {
	w.trim()
	begun = w.passed
	for _, b := range w.fifo.All() {
		if !b.Job.private {
			if left := w.cut(b); left > 0 {
				parts = append(parts, part{b.Job, sched.Range{First: b.First + int64(b.n.Load()), N: left}})
			}
		}
		begun += uint64(min(max(w.port.Begun(b), int(b.done.Load())), int(b.n.Load())))
	}
	return parts, begun
}

// cut takes back what has not begun of a batch that was sent, and returns how many elements that was. Call it with mu.
func (w *worker) cut(b *Batch) int {
	w.alert.Add(1) // before the worker can go on to the next batch, whose results must not be counted to this one
	defer w.alert.Add(-1)
	begun, n := w.port.TakeBack(b), int(b.n.Load())
	if begun >= n {
		return 0
	}
	b.n.Store(int32(begun))
	// A worker that forges its cursor does not get an element run again that it has answered. Result stores done and then
	// looks at n, so if an answer comes just now, one of the two sees the other.
	if done := int(b.done.Load()); done > begun {
		begun = min(done, n)
		b.n.Store(int32(begun))
	}
	return n - begun
}

// discard takes back what has not begun of a batch whose job has ended, and returns how many elements of it the scheduler is to
// be told of: it does not know the private ones. Call it with mu.
func (w *worker) discard(b *Batch) int {
	n := w.cut(b)
	if b.Job.private {
		return 0
	}
	return n
}

// drop takes back what has not begun of a job that has ended, and cancels what has.
func (w *worker) drop(j *Job) {
	total := 0
	w.mu.Lock()
	if w.dead {
		w.mu.Unlock()
		return
	}
	unsaid := w.unsay(j)
	kept := w.stalled[:0]
	for _, b := range w.stalled {
		if b.Job == j {
			total += int(b.n.Load())
		} else {
			kept = append(kept, b)
		}
	}
	w.stalled = kept
	for _, b := range w.fifo.All() {
		if b.Job != j {
			continue
		}
		total += w.discard(b)
	}
	w.watch() // what has begun is at the head now, or when its predecessors' results have come
	w.mu.Unlock()
	if total > 0 || unsaid {
		w.e.mu.Lock()
		w.e.sched.TakenBack(&w.sched, &j.sched, total)
		w.e.mu.Unlock()
		w.e.fill(w)
		w.e.balance()
	}
}
