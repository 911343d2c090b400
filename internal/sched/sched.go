package sched

import (
	"time"

	"github.com/go-multiproc/mp/internal/fifo"
)

// The scheduler's aims. See doc.go for where they come from.
const (
	batchTarget  = time.Millisecond     // of work in one batch
	windowTarget = 4 * time.Millisecond // of work handed to one worker ahead of its need
	minWindow    = 2                    // elements handed to one worker, so that it need not wait for the next
	maxWindow    = 1 << 14
	maxBatch     = 1 << 12
	newWeight    = 0.25 // of a new measurement in the estimate
)

// Cost is the estimated time of one element of a function. It outlives jobs.
type Cost struct{ ns float64 }

// Observe takes the measured time of n elements in a row into the estimate.
func (c *Cost) Observe(n int, took time.Duration) {
	if n <= 0 {
		return
	}
	x := max(float64(took)/float64(n), 1)
	if c.ns == 0 {
		c.ns = x
		return
	}
	c.ns += (x - c.ns) * newWeight
}

// Estimate is the estimated time of an element; 0 if it is not known.
func (c *Cost) Estimate() time.Duration { return time.Duration(c.ns) }

// fits is how many elements take about d, at least least; least if nothing is known.
func (c *Cost) fits(d time.Duration, least, most int) int {
	if c.ns == 0 {
		return least
	}
	return int(max(float64(least), min(float64(d)/c.ns, float64(most))))
}

// A Job is a sequence of elements, numbered from 0, that are handed out in order.
type Job struct {
	Cost  *Cost // shared by the jobs of one function; guarded as the Scheduler is
	Chunk int   // elements in a batch; 0 leaves it to the Scheduler

	Owner any // whose job it is

	next   int64   // the first that was never handed out
	end    int64   // the first that is not available yet
	back   []Range // to be handed out again, before next
	queued bool    // in the Scheduler's queue
	ended  bool    // cancelled: nothing more is handed out
}

// Waiting is how many elements could be handed out now.
func (j *Job) Waiting() int64 {
	if j.ended {
		return 0
	}
	n := j.end - j.next
	for _, r := range j.back {
		n += int64(r.N)
	}
	return n
}

// Estimate is the expected number of elements in a batch.
func (j *Job) Estimate() int {
	if j.Chunk > 0 {
		return j.Chunk
	}
	return j.Cost.fits(batchTarget, 1, maxBatch)
}

// A Range is elements First to First+N-1.
type Range struct {
	First int64
	N     int
}

// A Batch is what one worker is given at a time.
type Batch struct {
	Job *Job
	Range
}

// A Worker is one that elements can be given to. The zero value is not ready.
type Worker struct {
	Owner any // whose worker it is

	ready    bool
	limited  bool
	left     int64 // if limited, how many more elements it may be given
	inFlight int   // handed out and not finished
	idle     bool
	sated    bool // it had as much as it may; it gets more when a quarter of that is gone
}

// InFlight is the number of elements that the worker was given and has not finished.
func (w *Worker) InFlight() int { return w.inFlight }

// Limit lets w be given n elements in all. Those that are taken back from it do not count. Call it before Join.
func (w *Worker) Limit(n int64) { w.limited, w.left = true, n }

// Left is how many more elements w may be given, if that is limited.
func (w *Worker) Left() (n int64, limited bool) { return w.left, w.limited }

// spent reports whether w may be given nothing more.
func (w *Worker) spent() bool { return w.limited && w.left <= 0 }

// Scheduler decides which worker gets which elements, and when. It does no I/O, knows no clock and is not safe for
// concurrent use. The zero value is ready.
type Scheduler struct {
	queue   fifo.Queue[*Job] // with elements waiting; the first is next
	workers []*Worker
	idle    []*Worker // ready, without work and able to take some; the last to become so is the first to get some: its caches are warm
	waiting int64
}

// Waiting is the number of elements that wait for a worker.
func (s *Scheduler) Waiting() int64 { return s.waiting }

// Join makes w ready for work.
func (s *Scheduler) Join(w *Worker) {
	w.ready, w.inFlight = true, 0
	s.workers = append(s.workers, w)
	s.markIdle(w)
}

// Leave takes w out. What it had in flight is the caller's to return or to fail.
func (s *Scheduler) Leave(w *Worker) {
	if !w.ready {
		return
	}
	w.ready, w.inFlight = false, 0
	s.workers = remove(s.workers, w)
	s.Pass(w)
}

// markIdle puts w among the idle if it has nothing, and may have something.
func (s *Scheduler) markIdle(w *Worker) {
	if w.inFlight == 0 && !w.idle && !w.spent() {
		w.idle = true
		s.idle = append(s.idle, w)
	}
}

// Pass tells that w, if it has nothing, cannot take anything now either: nobody need wait for it until it is heard of by Finished.
func (s *Scheduler) Pass(w *Worker) {
	if w.idle {
		w.idle = false
		s.idle = remove(s.idle, w)
	}
}

func remove[T comparable](list []T, x T) []T {
	for i, y := range list {
		if x == y {
			return append(list[:i], list[i+1:]...)
		}
	}
	return list
}

// Add makes n more elements of j available.
func (s *Scheduler) Add(j *Job, n int64) {
	if j.ended || n <= 0 {
		return
	}
	j.end += n
	s.waiting += n
	s.enqueue(j, false)
}

// Return makes elements available again that were handed out and not run. They come before all others.
func (s *Scheduler) Return(j *Job, r Range) {
	if j.ended || r.N == 0 {
		return
	}
	at := len(j.back)
	for at > 0 && j.back[at-1].First > r.First {
		at--
	}
	j.back = append(j.back, Range{})
	copy(j.back[at+1:], j.back[at:])
	j.back[at] = r
	s.waiting += int64(r.N)
	s.enqueue(j, true)
}

func (s *Scheduler) enqueue(j *Job, front bool) {
	if j.queued {
		return
	}
	j.queued = true
	if front {
		s.queue.PushFront(j)
	} else {
		s.queue.Push(j)
	}
}

// End hands out nothing more of j, and returns how many elements it thereby drops.
func (s *Scheduler) End(j *Job) int64 {
	n := j.Waiting()
	s.waiting -= n
	j.ended, j.back, j.next = true, nil, j.end
	if j.queued {
		j.queued = false
		s.queue.Remove(j)
	}
	return n
}

// Next hands batches to w: as many as list has room for, but none if none waits, w has enough, or w has some and another
// worker has none. Jobs take turns, a batch each. It returns how many it handed out.
func (s *Scheduler) Next(w *Worker, list []Batch) int {
	n := 0
	for n < len(list) && s.next(w, &list[n]) {
		n++
	}
	return n
}

func (s *Scheduler) next(w *Worker, b *Batch) bool {
	j := s.queue.First()
	if !w.ready || j == nil || w.spent() {
		return false
	}
	n := s.size(j)
	if w.limited {
		n = int(min(int64(n), w.left))
	}
	if w.inFlight > 0 {
		if len(s.idle) > 0 {
			return false // it is theirs
		}
		// Topped up a quarter at a time: each message by itself would cost a look at everything for one element.
		most := s.window(j, n)
		if w.inFlight+n > most || (w.sated && w.inFlight > most*3/4) {
			w.sated = true
			return false
		}
	}
	w.sated = false
	b.Job = j
	if len(j.back) > 0 {
		r := &j.back[0]
		b.Range = Range{r.First, min(n, r.N)}
		r.First += int64(b.N)
		r.N -= b.N
		if r.N == 0 {
			j.back = j.back[1:]
		}
	} else {
		b.Range = Range{j.next, int(min(int64(n), j.end-j.next))}
		j.next += int64(b.N)
	}
	s.waiting -= int64(b.N)
	w.inFlight += b.N
	w.left -= int64(b.N)
	s.Pass(w)
	if j.Waiting() == 0 {
		j.queued = false
		s.queue.Pop()
	} else if s.queue.Len() > 1 {
		s.queue.Pop()
		s.queue.Push(j)
	}
	return true
}

// size is how many elements of j make a batch now: about a millisecond of work, and never more than a share of what
// is left that gives every worker some.
func (s *Scheduler) size(j *Job) int {
	if j.Chunk > 0 {
		return j.Chunk
	}
	n := j.Cost.fits(batchTarget, 1, maxBatch)
	share := j.Waiting() / int64(2*len(s.workers))
	return int(max(1, min(int64(n), share)))
}

// window is how many elements a worker may have in flight, at least two batches.
func (s *Scheduler) window(j *Job, batch int) int {
	return max(j.Cost.fits(windowTarget, minWindow, maxWindow), 2*batch)
}

// Finished tells that w has finished n elements.
func (s *Scheduler) Finished(w *Worker, n int) {
	if !w.ready {
		return
	}
	w.inFlight = max(0, w.inFlight-n)
	s.markIdle(w)
}

// TakenBack tells that w does not have n elements any more, which it has not begun.
func (s *Scheduler) TakenBack(w *Worker, n int) {
	w.left += int64(n)
	s.Finished(w, n)
}

// Pick returns the worker that should get what waits: one without work, else the one with the least; nil if there is none.
func (s *Scheduler) Pick() *Worker {
	if n := len(s.idle); n > 0 {
		return s.idle[n-1]
	}
	var best *Worker
	for _, w := range s.workers {
		if w.inFlight > 0 && !w.spent() && (best == nil || w.inFlight < best.inFlight) {
			best = w
		}
	}
	return best
}

// Starves reports whether a worker has no work though there is some for it: it waits, or another has not begun it.
func (s *Scheduler) Starves() bool {
	if len(s.idle) == 0 || s.waiting > 0 {
		return len(s.idle) > 0
	}
	victim, _ := s.Victim()
	return victim != nil
}

// Victim returns a worker from which elements should be taken back, because another has no work and none waits, and how
// many; nil if there is none.
func (s *Scheduler) Victim() (*Worker, int) {
	if len(s.idle) == 0 || s.waiting > 0 {
		return nil, 0
	}
	var most *Worker
	for _, w := range s.workers {
		if w.inFlight > 1 && (most == nil || w.inFlight > most.inFlight) {
			most = w
		}
	}
	if most == nil {
		return nil, 0
	}
	return most, most.inFlight / 2
}
