package engine

import (
	"errors"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/codec"
)

var errUnexpected = errors.New("a result of no element")

// A burst is what the port's consumer notes of results until Progress.
type burst struct {
	ahead []*Batch  // the head of the worker's fifo as last seen: the order is the same, and new ones come behind
	job   *Job      // of the last result
	of    *Job      // of the first result
	first int64     // its index
	n     int64     // results of that job
	total int       // of any job
	bad   int       // of these, errors
	again int       // of these, that are run again
	late  int       // of these, that nobody wanted any more
	bytes int       // of all
	seen  time.Time // when the last came, if somebody observes
	store []*Batch  // behind ahead
}

// Result implements Host. It takes no lock but to look into an alert.
func (w *worker) Result(status uint8, payload []byte) error {
	if !w.taking.Load() {
		w.taking.Store(true)
	}
	r := Result{Status: status, Payload: payload, Worker: w.index}
	var b *Batch
	if w.alert.Load() == 0 {
		b = w.burst.head()
	}
	if b == nil {
		if b = w.look(&r); b == nil {
			return errUnexpected
		}
	}
	j, done := b.Job, b.done.Load()
	i := b.First + int64(done)
	b.done.Store(done + 1) // from here on b may be trimmed
	if j.observed || j.private {
		w.telling.Lock()   // no fraction of it is told from here on
		w.telling.Unlock() //nolint:staticcheck // an empty section is the point: what was being told has been
	}
	if b.n.Load() <= done && !w.keeps(b, done, 1) {
		return errUnexpected
	}
	ended := j.ended.Load()
	if !j.private {
		if j.observed {
			w.timed(&r)
		}
		bad := status != abi.StatusOK || r.Failure != nil
		if bad && w.retry(j, i, r) {
			return nil
		}
		c := &w.burst
		c.add(j, i, 1, len(payload))
		c.n++
		if ended {
			c.late++
		} else if bad {
			c.bad++
		}
		if j.retried.Load() {
			w.e.settled(j, i)
		}
	}
	if ended {
		codec.GiveUp(payload)
	} else {
		j.Deliver(i, r)
	}
	if j.private {
		w.answered(j)
	}
	return nil
}

// Results implements Host.
func (w *worker) Results(n, size int, payload []byte) error {
	for n > 0 {
		k := w.several(n, size, payload)
		if k == 0 {
			k = 1
			if err := w.Result(abi.StatusOK, payload[:size:size]); err != nil {
				return err
			}
		}
		n -= k
		payload = payload[k*size:]
	}
	return nil
}

// several takes as many of n results at once as are of elements of one job one after the other, and returns how many those were: none if
// each must be looked at by itself. It does for all of them what Result does for one.
func (w *worker) several(n, size int, payload []byte) (took int) {
	if w.alert.Load() != 0 { // none of the results follows from one that is announced later, for all were read before
		return 0
	}
	b := w.burst.head()
	if b == nil {
		return 0
	}
	j, first := b.Job, b.First+int64(b.done.Load())
	if j.DeliverRun == nil || j.observed || j.private || j.retried.Load() || j.ended.Load() {
		return 0
	}
	if !w.taking.Load() {
		w.taking.Store(true)
	}
	for ; took < n && b != nil && b.Job == j; b = w.burst.head() {
		done := b.done.Load()
		k := min(int32(n-took), b.n.Load()-done)
		if k <= 0 || b.First+int64(done) != first+int64(took) {
			break
		}
		b.done.Store(done + k)
		if b.n.Load() < done+k && !w.keeps(b, done, k) {
			break
		}
		took += int(k)
	}
	if took > 0 {
		w.burst.add(j, first, took, took*size)
		w.burst.n += int64(took)
		j.DeliverRun(first, took, size, payload[:took*size])
	}
	return took
}

// keeps reports whether a batch still has the n elements whose results have come, behind done others. A worker that answers what it has not begun may do
// so while it is taken back: then either cut saw it done, and left it, or it is another's.
func (w *worker) keeps(b *Batch, done, n int32) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if b.n.Load() >= done+n {
		return true
	}
	b.done.Store(done)
	return false
}

// head is the batch at the head, nil if it is not among those that were seen.
func (c *burst) head() *Batch {
	for len(c.ahead) > 0 {
		if b := c.ahead[0]; !b.finished() {
			return b
		}
		c.ahead = c.ahead[1:]
	}
	return nil
}

// lookAhead is how many batches the consumer looks at under one lock.
const lookAhead = 64

// look finds the batch at the head, nil if there is none, and whether a ladder has already decided about its element.
func (w *worker) look(r *Result) *Batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clean()
	if w.fifo.Len() == 0 {
		return nil
	}
	all := w.fifo.All()
	w.burst.store = append(w.burst.store[:0], all[:min(len(all), lookAhead)]...)
	w.burst.ahead = w.burst.store
	r.Failure = w.descend(all[0], r.Status)
	return all[0]
}

// clean is trim by the consumer, who alone looks at batches without a lock, and so knows that nobody does any more.
func (w *worker) clean() {
	w.burst.ahead = nil
	w.drain(w.recycle)
}

// add counts n results of j, from element i on.
func (c *burst) add(j *Job, i int64, n, size int) {
	if c.job != j {
		c.turn(j, i)
	}
	c.total += n
	c.bytes += size
}

// turn is called when the results are those of another job.
func (c *burst) turn(j *Job, i int64) {
	c.tell()
	c.job = j
	if c.total == 0 {
		c.of, c.first = j, i
	}
}

// tell tells the job of the last results how many they were.
func (c *burst) tell() {
	if c.job != nil && c.n > 0 {
		c.job.delivered(c.n)
		c.n = 0
	}
}

// Progress implements Host.
func (w *worker) Progress() {
	c := w.burst
	w.burst = burst{ahead: c.ahead, store: c.store}
	now := time.Now()
	w.mu.Lock()
	w.taking.Store(false)
	began, took := w.head.Sub(w.e.birth), now.Sub(w.head)
	if b := w.fifo.First(); b != nil && (c.total > 0 || b.finished() || (now.Before(b.way) && w.port.Begun(b) == 0)) {
		w.head = now
		w.clean()
	}
	w.sayAgain()
	sent := false
	for len(w.stalled) > 0 && w.port.Send(w.stalled[0], w.stalled[0].payload) {
		b := w.stalled[0]
		w.stalled = w.stalled[1:]
		b.payload = nil
		w.append(b)
		sent = true
	}
	if sent {
		w.port.Flush()
	}
	if w.retired {
		w.finish()
	}
	w.watch()
	first := w.counted(&c, took, time.Duration(w.quiet.Load())-began)
	if b := w.fifo.First(); b != nil {
		w.begins(b)
	} else {
		w.rest(now)
		w.burst.ahead = nil
		clear(w.burst.store[:cap(w.burst.store)]) // what is idle keeps no job's memory
		if len(w.stalled) == 0 && w.serves.Load() != nil {
			w.serves.Store(nil) // nor that of a call: its argument and its result
		}
	}
	up := w.up
	w.mu.Unlock()
	if !up {
		return
	}
	e := w.e
	e.mu.Lock()
	e.done += int64(c.total - c.bad - c.late - c.again)
	e.failed += int64(c.bad)
	e.books.looked = max(e.books.looked, now.Sub(e.birth))
	e.sched.Finished(&w.sched, c.total, max(took, 1))
	w.shown += int64(c.total)
	slow := c.total > 0 && e.isSlow(first)
	e.mu.Unlock()
	if e.cfg.MaxRSS > 0 && c.total > 0 && now.Sub(w.weighed) > weighEvery {
		w.weighed = now
		e.weigh(w)
	}
	if slow {
		e.slow(c.of, Slow{Index: c.first, Worker: w.index, PID: w.pid(), Duration: first, Ended: now})
	}
	c.tell() // now that what Stats says is so
	e.fill(w)
	e.balance()
}
