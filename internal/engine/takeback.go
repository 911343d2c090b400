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

// begun is how many elements have begun, ever. Call it with mu.
func (w *worker) begun() uint64 {
	n := w.passed
	for _, b := range w.fifo.All() {
		own := int(b.n.Load())
		k := min(max(w.port.Begun(b), int(b.done.Load())), own)
		n += uint64(k)
		if k < own {
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

// giveUp returns what was taken back from w to the scheduler, and tells it how many elements have begun, ever. It reports whether that
// was news.
func (w *worker) giveUp(parts []part, begun uint64) (news bool) {
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
	return e.sched.Begun(&w.sched, int(int64(begun)-w.told))
}

// freeze takes back everything that was sent and has not begun, and returns how many elements have begun, ever. Call it
// with mu: until it is given up nothing can begin but what was not sent yet.
func (w *worker) freeze() (parts []part, begun uint64) {
	w.trim()
	for _, b := range w.fifo.All() {
		if !b.Job.private {
			if left := w.cut(b); left > 0 {
				parts = append(parts, part{b.Job, sched.Range{First: b.First + int64(b.n.Load()), N: left}})
			}
		}
	}
	return parts, w.begun()
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

// drop takes back what has not begun of a job that has ended, and cancels what has.
func (w *worker) drop(j *Job) {
	total := 0
	w.mu.Lock()
	if w.dead {
		w.mu.Unlock()
		return
	}
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
		total += w.cut(b)
	}
	w.watch() // what has begun is at the head now, or when its predecessors' results have come
	w.mu.Unlock()
	if total > 0 {
		w.dropped(j, total)
		w.e.fill(w)
		w.e.balance()
	}
}
