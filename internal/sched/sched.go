package sched

import "time"

// The scheduler's aims. See doc.go for where they come from.
const (
	batchTarget  = time.Millisecond     // of work in one batch
	windowTarget = 4 * time.Millisecond // of work handed to one worker ahead of its need
	minWindow    = 2                    // elements handed to one worker, so that it need not wait for the next
	maxWindow    = 1 << 14
	maxBatch     = 1 << 12
	newWeight    = 0.25 // of a new measurement in the estimate
)

// Scheduler decides which worker gets which elements, and when. It does no I/O, knows no clock and is not safe for
// concurrent use. The zero value is ready.
type Scheduler struct {
	OneAtATime bool // a worker has no more than one batch

	shared  queue  // what any worker may run
	waiting int64  // of that
	places  []*Pin // by index; nil where there is none
	pinned  int64  // waiting in all pins
	wanted  []*Pin // leases that have no worker yet
	workers []*Worker
	idle    []*Worker // ready, without work, able to take some, and not leased; the last to become so is the first to get some: its caches are warm
	ranked  int       // elements in flight of another priority than 0
}

// Waiting is the number of elements that wait for a worker.
func (s *Scheduler) Waiting() int64 { return s.waiting + s.pinned }

// Join makes w ready for work.
func (s *Scheduler) Join(w *Worker) {
	s.Open(w.Index)
	w.ready, w.own = true, s.places[w.Index]
	s.workers = append(s.workers, w)
	s.markIdle(w)
}

// Leave takes w out. What it had in flight is the caller's to return or to fail, and who leased it has lost it.
func (s *Scheduler) Leave(w *Worker) {
	if !w.ready {
		return
	}
	for w.inFlight > 0 {
		r := w.pop(w.inFlight)
		s.rank(r.job, -r.n)
		s.refund(r.job, float64(r.n)*r.price)
	}
	w.ready = false
	s.workers = remove(s.workers, w)
	s.unidle(w)
	if w.lease != nil {
		w.lease.worker, w.lease = nil, nil
	}
}

// markIdle gives w to who waits for a lease, or puts it among the idle, if it has nothing and may have something.
func (s *Scheduler) markIdle(w *Worker) {
	if !w.ready || w.inFlight > 0 || w.idle || w.passed || w.lease != nil || w.spent() {
		return
	}
	w.idle = true
	s.idle = append(s.idle, w)
	if len(s.wanted) > 0 {
		s.grant(w)
	}
}

func (s *Scheduler) unidle(w *Worker) {
	if w.idle {
		w.idle = false
		s.idle = remove(s.idle, w)
	}
}

// Pass tells that w cannot take anything now: nobody need wait for it until it is heard of by Finished.
func (s *Scheduler) Pass(w *Worker) {
	w.passed = true
	s.unidle(w)
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
	s.wait(j, n)
}

// Return makes elements available again that were handed out and not run. They come before the others of their job.
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
	s.wait(j, int64(r.N))
}

// wait counts n elements of j that have come to wait.
func (s *Scheduler) wait(j *Job, n int64) {
	if s.pinOf(j) == nil {
		s.waiting += n
	} else {
		s.pinned += n
	}
	s.queueOf(j).put(j)
}

// left counts n elements of j that wait no more.
func (s *Scheduler) left(j *Job, n int64) {
	if j.Pin == nil {
		s.waiting -= n
	} else {
		s.pinned -= n
	}
}

// queueOf is where j waits.
func (s *Scheduler) queueOf(j *Job) *queue {
	if j.Pin == nil {
		return &s.shared
	}
	return &j.Pin.queue
}

// refund undoes what j was charged.
func (s *Scheduler) refund(j *Job, charge float64) {
	j.spent -= charge
	if j.at > 0 {
		s.queueOf(j).put(j)
	}
}

func (s *Scheduler) rank(j *Job, n int) {
	if j.Priority != 0 {
		s.ranked += n
	}
}

// End hands out nothing more of j, and returns how many elements it thereby drops.
func (s *Scheduler) End(j *Job) int64 {
	n := j.Waiting()
	s.left(j, n)
	s.queueOf(j).remove(j)
	j.ended, j.back, j.next = true, nil, j.end
	return n
}

// Finished tells that w has finished the n elements that it has had longest, one after the other, in so much time, 0 if that is not known; or,
// without any, that it may have room now. What their jobs were charged is corrected.
func (s *Scheduler) Finished(w *Worker, n int, took time.Duration) {
	if !w.ready {
		return
	}
	n = min(n, w.inFlight)
	scale, one := w.scale(n, took)
	for n > 0 {
		r := w.pop(n)
		n -= r.n
		s.rank(r.job, -r.n)
		charge := float64(r.n) * r.price
		s.queueOf(r.job).worked(r.job.Priority, charge*scale)
		if took > 0 {
			if one || r.job.Cost.ns == 0 { // of several each has taken a part that is only guessed
				r.job.Cost.Observe(r.n, time.Duration(charge*scale))
			}
			s.refund(r.job, charge*(1-scale))
		}
	}
	w.passed = false
	s.markIdle(w)
}

// TakenBack tells that the last n elements of j that w had are its no more, which it has not begun.
func (s *Scheduler) TakenBack(w *Worker, j *Job, n int) {
	if !w.ready || n <= 0 {
		return
	}
	w.left += int64(n)
	n = min(n, w.inFlight)
	s.rank(j, -n)
	s.refund(j, w.cut(j, n))
	s.markIdle(w)
}

// Begun tells that the first n elements that w has in flight have begun, and reports whether that was news: without it one is taken to
// have.
func (s *Scheduler) Begun(w *Worker, n int) bool {
	n = min(n, w.inFlight)
	if !w.ready || n <= w.begun {
		return false
	}
	w.begun = n
	return true
}
