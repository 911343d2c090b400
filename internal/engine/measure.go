package engine

import (
	"time"

	"github.com/go-multiproc/mp/internal/histo"
)

// Times are taken where there is a reason to look at the clock anyway: when a worker without work is given some, and at each
// Progress. So what ended between two looks is not told apart, but for its first element: it has run since the last look that found a
// result, and it still ran at the last look that found none, which is every 2 ms at the latest while others wait behind it
// (see Host.Quiet). The rest of the time is shared evenly.

// A doing is what a worker does with its time.
type doing int

const (
	starting     doing = iota // until it is up
	initializing              // runs Setup
	idling                    // has nothing to do
	working                   // has elements
	leaving                   // was told to end, or is killed
	doings
)

// sums is what was measured of the workers of one index.
type sums struct {
	spent          [doings]time.Duration
	sent, received int64 // encoded bytes of arguments, of results
	ended          int64 // workers
	peak           int64 // the largest resident set that was seen
	err            error // of the last that ended with one
}

// add adds what another worker did.
func (s *sums) add(o *sums) {
	for i, d := range o.spent {
		s.spent[i] += d
	}
	s.sent += o.sent
	s.received += o.received
	s.ended += o.ended
	s.peak = max(s.peak, o.peak)
	if s.err == nil {
		s.err = o.err
	}
}

// measured is what a worker has measured so far. Guarded by its mu.
type measured struct {
	sums
	waiting, running histo.Histogram
	wait             run // not yet in waiting
	doing            doing
	mark             time.Time // since when it does that, or when that was last counted
}

// turn counts the time since it was last called, and notes what the worker does from now on.
func (m *measured) turn(to doing, now time.Time) {
	m.spent[m.doing] += now.Sub(m.mark)
	m.mark = now
	if m.doing != leaving {
		m.doing = to
	}
}

// rest notes that there is nothing to do now. Call it with mu.
func (w *worker) rest(now time.Time) {
	switch {
	case w.m.doing != working:
	case w.finishing:
		w.m.turn(leaving, now)
	default:
		w.m.turn(idling, now)
	}
}

// ran counts n elements that ended within took, the first of which still ran after known. It returns the time of the first.
func (m *measured) ran(n int, took, known time.Duration) time.Duration {
	known = min(max(known, 0), took)
	each := (took - known) / time.Duration(n)
	m.running.Add(known+each, 1)
	m.running.Add(each, int64(n-1))
	return known + each
}

// counted counts the results of a look, and returns the time of the first. Call it with mu.
func (w *worker) counted(c *burst, took, known time.Duration) time.Duration {
	if c.total == 0 {
		return 0
	}
	w.done += int64(c.total)
	w.m.received += int64(c.bytes)
	return w.m.ran(c.total, took, known)
}

// Quiet implements Host.
func (w *worker) Quiet() { w.quiet.Store(int64(time.Since(w.e.birth))) }

// begins notes that a batch is at the head now, which was not before. Call it with mu.
func (w *worker) begins(b *Batch) {
	if b.began == 0 {
		b.began = w.head.Sub(w.e.birth)
	}
	if w.m.doing == idling {
		w.m.turn(working, w.head)
	}
}

// waited counts how long the elements of a finished batch have waited. Call it with mu.
func (w *worker) waited(b *Batch) {
	if b.Job.private {
		return
	}
	d := time.Duration(0)
	if b.available > 0 {
		if d = b.began - b.available; b.began == 0 { // it began after the last look
			d = w.head.Sub(w.e.birth) - b.available
		}
	}
	if d != w.m.wait.d {
		w.m.wait.flush(&w.m.waiting)
		w.m.wait.d = d
	}
	w.m.wait.n += int64(b.done.Load())
}

// A run is equal durations one after another: those of a map's batches often are, and are counted at once.
type run struct {
	d time.Duration
	n int64
}

func (r *run) flush(to *histo.Histogram) {
	to.Add(r.d, r.n)
	r.n = 0
}

// books is what was measured of an engine: that of workers that are there is with them. Guarded by the engine's mutex.
type books struct {
	accepted, ended  int64         // elements; workers
	looked           time.Duration // when any worker's results were looked at last, since the engine's birth
	past             map[int]*sums // by index
	waiting, running histo.Histogram
	slow             []Slow // the longest first
}

// of is what was measured of the workers of an index that have ended.
func (k *books) of(index int) *sums {
	s := k.past[index]
	if s == nil {
		if k.past == nil {
			k.past = make(map[int]*sums)
		}
		s = new(sums)
		k.past[index] = s
	}
	return s
}

// bury enters what a worker has measured when it has ended. Call it with both locks, once.
func (k *books) bury(w *worker) {
	w.m.turn(leaving, time.Now())
	w.m.wait.flush(&w.m.waiting)
	w.m.ended = 1
	k.ended++
	k.of(w.index).add(&w.m.sums)
	k.waiting.Merge(&w.m.waiting)
	k.running.Merge(&w.m.running)
}

// blame notes the error with which a worker of an index has ended.
func (e *Engine) blame(index int, err error) {
	e.mu.Lock()
	e.books.of(index).err = err
	e.mu.Unlock()
}
