package engine

import (
	"sync"
	"time"

	"github.com/go-multiproc/mp/internal/sched"
)

// room is how many batches can be sent now.
func (w *worker) room() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead || w.retired || len(w.stalled) > 0 || w.port.Suspect() {
		return 0
	}
	return w.port.Room()
}

// An outgoing is a batch that is encoded, and not yet sent.
type outgoing struct {
	job      *Job
	first    int64
	n        int
	flags    uint8
	from, to int    // in the buffer
	payload  []byte // instead, if it is not in the buffer
}

// A buffer is what batches are encoded into, to be reused.
type buffer struct {
	bytes []byte
	out   []outgoing
}

var buffers = sync.Pool{New: func() any { return &buffer{bytes: make([]byte, 0, 4<<10)} }}

// send encodes batches that the scheduler has given to w, and sends them.
func (w *worker) send(list []sched.Batch) {
	buf := buffers.Get().(*buffer)
	for _, sb := range list {
		w.encode(buf, sb)
		if len(buf.bytes) > maxPayload {
			w.ship(buf)
		}
	}
	w.ship(buf)
	buffers.Put(buf)
}

// encode encodes one batch. What does not fit goes back, and an element that cannot be encoded has its outcome.
func (w *worker) encode(buf *buffer, sb sched.Batch) {
	j := sb.Job.Owner.(*Job)
	o := outgoing{job: j, first: sb.First}
	if j.Arg != nil {
		o.n, o.payload = 1, j.Arg
		buf.out = append(buf.out, o)
		return
	}
	var err error
	buf.bytes, o.from, o.flags, o.n, err = j.encode(buf.bytes, sb.Range)
	o.to = len(buf.bytes)
	rest := sched.Range{First: sb.First + int64(o.n), N: sb.N - o.n}
	if err != nil {
		rest.First++
		rest.N--
	}
	if rest.N > 0 || err != nil {
		w.e.mu.Lock()
		w.e.sched.Finished(&w.sched, sb.N-o.n)
		w.e.sched.Return(&j.sched, rest)
		w.e.mu.Unlock()
	}
	if o.n > 0 {
		buf.out = append(buf.out, o)
	}
	if err != nil {
		w.e.count(false)
		j.settle(sb.First+int64(o.n), Result{Failure: &Failure{Reason: Unsent, Err: err, Worker: w.index}, Worker: w.index})
	}
}

// ship sends what was encoded, and empties the buffer.
func (w *worker) ship(buf *buffer) {
	dropped, back := 0, false
	w.mu.Lock()
	for _, o := range buf.out {
		if o.payload == nil {
			o.payload = buf.bytes[o.from:o.to:o.to]
		}
		switch {
		case w.dead:
			w.e.mu.Lock()
			w.e.sched.Return(&o.job.sched, sched.Range{First: o.first, N: o.n})
			w.e.mu.Unlock()
			back = true
		case o.job.ended.Load(): // its End will not look here again
			dropped += o.n
		default:
			w.post(o)
		}
	}
	if !w.dead {
		w.port.Flush()
	}
	w.mu.Unlock()
	w.finished(dropped)
	clear(buf.out)
	buf.out = buf.out[:0]
	if buf.bytes = buf.bytes[:0]; cap(buf.bytes) > 2*maxPayload {
		buf.bytes = nil // a large payload may still be on its way out of it
	}
	if back {
		w.e.dispatch()
	}
}

// post sends one batch, or puts it aside until there is room. Call it with mu.
func (w *worker) post(o outgoing) {
	b := w.newBatch()
	b.Job, b.First, b.Flags, b.count = o.job, o.first, o.flags, o.n
	b.n.Store(int32(o.n))
	if o.n == 1 {
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

func (w *worker) newBatch() *Batch {
	if len(w.slab) == 0 {
		w.slab = make([]Batch, 32)
	}
	b := &w.slab[0]
	w.slab = w.slab[1:]
	return b
}

// append puts a batch that was sent at the end. Call it with mu.
func (w *worker) append(b *Batch) {
	w.fifo.Push(b)
	if w.fifo.Len() == 1 {
		w.head = time.Now()
		w.watch()
	}
}

// finished tells the scheduler that n elements are w's no more.
func (w *worker) finished(n int) {
	if n == 0 {
		return
	}
	w.e.mu.Lock()
	w.e.sched.Finished(&w.sched, n)
	w.e.mu.Unlock()
}
