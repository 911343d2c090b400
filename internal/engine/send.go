package engine

import (
	"time"

	"github.com/go-multiproc/mp/internal/sched"
)

// room is how many batches can be sent now. A worker without any is no longer counted on until it is heard of.
func (w *worker) room() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.vacancy()
	if n == 0 { // under both locks: room that is made later is followed by Progress
		w.e.mu.Lock()
		w.e.sched.Pass(&w.sched)
		w.e.mu.Unlock()
	}
	return n
}

// vacancy is how many batches the worker can be sent. Call it with mu.
func (w *worker) vacancy() int {
	if w.dead || w.retired || w.ladder.killed || len(w.stalled) > 0 || w.unsaid != nil {
		return 0
	}
	if w.port.Suspect() {
		if !w.suspect {
			w.suspect = true
			time.AfterFunc(suspectFor, w.kill)
		}
		return 0
	}
	return w.port.Room()
}

// suspectFor is how long a worker may take to end after the sign that it does. One that gives the sign and lives on would get
// nothing more for ever, and may be the only one.
const suspectFor = time.Second

// An outgoing is a batch that is encoded, and not yet sent.
type outgoing struct {
	job      *Job
	first    int64
	n        int
	flags    uint8
	from, to int    // in the buffer
	payload  []byte // instead, if it is not in the buffer
}

// A buffer is what batches are encoded into, to be used again. Each worker keeps one: a sync.Pool would lose it at every
// collection, and large messages make many.
type buffer struct {
	bytes []byte
	out   []outgoing
}

// send encodes batches that the scheduler has given to w, and sends them.
func (w *worker) send(list []sched.Batch) {
	buf := w.spare.Swap(nil)
	if buf == nil {
		buf = new(buffer)
	}
	sent := true
	for len(list) > 0 {
		n, left, err := w.encode(buf, list)
		if left > 0 {
			w.giveBack(list[n-1], left, err)
		}
		if list = list[n:]; len(buf.bytes) > maxPayload || len(list) == 0 {
			sent = w.ship(buf) && sent
		}
	}
	w.spare.Store(buf)
	if !sent {
		w.e.dispatch()
	}
}

// encode encodes the first n batches of a list, of one job: fewer if the buffer is full, or if the last could not be encoded
// wholly: then left elements of it are not, the first of them because of err, if that is set.
func (w *worker) encode(buf *buffer, list []sched.Batch) (n, left int, err error) {
	j := list[0].Job.Owner.(*Job)
	j.encoding.RLock()
	defer j.encoding.RUnlock()
	for n < len(list) && list[n].Job == &j.sched && len(buf.bytes) <= maxPayload && left == 0 {
		sb := list[n]
		n++
		o := outgoing{job: j, first: sb.First, n: 1, payload: j.Arg}
		if o.payload == nil {
			buf.bytes, o.from, o.flags, o.n, err = j.encode(buf.bytes, sb.Range)
			o.to = len(buf.bytes)
		}
		if left = sb.N - o.n; o.n > 0 {
			buf.out = append(buf.out, o)
		}
	}
	return n, left, err
}

// giveBack returns the last elements of a batch to the scheduler; the first of them has failed if err is set.
func (w *worker) giveBack(sb sched.Batch, left int, err error) {
	j := sb.Job.Owner.(*Job)
	rest := sched.Range{First: sb.First + int64(sb.N-left), N: left}
	if err != nil {
		rest.First++
		rest.N--
	}
	w.e.mu.Lock()
	w.e.sched.TakenBack(&w.sched, &j.sched, left)
	w.e.sched.Return(&j.sched, rest)
	if err != nil {
		w.e.failed++ // with the above: all numbers of Stats add up
	}
	w.e.mu.Unlock()
	if err != nil {
		j.settle(rest.First-1, Result{Failure: &Failure{Reason: Unsent, Err: err, Worker: w.index}, Worker: w.index})
	}
}

// ship sends what was encoded, and empties the buffer. It reports false if the worker is dead or retired, and others should have it,
// or the engine is interrupted, and nobody.
func (w *worker) ship(buf *buffer) (sent bool) {
	w.given(buf.out)
	w.mu.Lock()
	sent = !w.dead && !w.retired && !w.ladder.killed && w.e.interrupt.Load() == 0
	for _, o := range buf.out {
		if o.payload == nil {
			o.payload = buf.bytes[o.from:o.to:o.to]
		}
		switch {
		case !sent: // what it still began would be hurt, or nobody's
			w.e.mu.Lock()
			w.e.sched.Return(&o.job.sched, sched.Range{First: o.first, N: o.n})
			w.e.mu.Unlock()
		case o.job.ended.Load(): // its End will not look here again
			w.dropped(o.job, o.n)
		case o.job.holds(o.first, o.n):
			w.hold(o)
		default:
			w.post(o)
		}
	}
	if sent {
		w.port.Flush()
	}
	w.mu.Unlock()
	clear(buf.out)
	buf.out = buf.out[:0]
	if buf.bytes = buf.bytes[:0]; cap(buf.bytes) > MaxCopied {
		buf.bytes = nil // a large payload may still be on its way out of it
	}
	return sent
}

// post sends one batch, or puts it aside until there is room. Call it with mu.
func (w *worker) post(o outgoing) {
	b := w.newBatch()
	b.Job, b.First, b.Flags, b.count = o.job, o.first, o.flags, o.n
	b.available = o.job.came.at(o.first)
	b.n.Store(int32(o.n))
	b.size = len(o.payload)
	if o.job.Waited {
		w.serves.Store(o.job)
	}
	if len(w.stalled) > 0 || !w.port.Send(b, o.payload) {
		if b.payload = o.job.Arg; b.payload == nil {
			b.payload = append([]byte{}, o.payload...) // never nil: that tells it from one that was sent
		}
		w.stalled = append(w.stalled, b)
		return
	}
	w.append(b)
}

// newBatch is a batch to be filled in. Call it with mu.
func (w *worker) newBatch() *Batch {
	n := len(w.free)
	if n == 0 {
		return new(Batch)
	}
	b := w.free[n-1]
	w.free = w.free[:n-1]
	return b
}

// recycle keeps a batch that nobody refers to any more for newBatch. Call it with mu.
func (w *worker) recycle(b *Batch) {
	if len(w.free) < maxFree {
		*b = Batch{} // whoever looks at its counters has mu
		w.free = append(w.free, b)
	}
}

// maxFree is how many batches are kept: as many as a channel has slots.
const maxFree = 256

// append puts a batch that was sent at the end. Call it with mu.
func (w *worker) append(b *Batch) {
	if b.way = (time.Time{}); b.size > MaxCopied {
		b.way = time.Now().Add(time.Duration(b.size) * slowest)
	}
	w.fifo.Push(b)
	w.m.sent += int64(b.size)
	if w.fifo.Len() == 1 {
		w.head = time.Now()
		w.begins(b)
		w.watch()
	}
}

// slowest is how long a byte of a large payload may be on its way, while it moves.
const slowest = time.Microsecond

// dropped tells the scheduler that n elements of j are w's no more, which it has not begun.
func (w *worker) dropped(j *Job, n int) {
	if n == 0 {
		return
	}
	w.e.mu.Lock()
	w.e.sched.TakenBack(&w.sched, &j.sched, n)
	w.e.mu.Unlock()
}
