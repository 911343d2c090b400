package engine

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/sched"
)

var errUnexpected = errors.New("a result of no element")

// A worker is one worker's place in the engine: what it has, and what is to become of it.
type worker struct {
	e     *Engine
	index int
	since time.Time
	sched sched.Worker // guarded by the engine's mutex

	received atomic.Uint64       // results so far: the number of the element at the head
	cur      *Batch              // of the port's consumer: the batch at the head
	burst    int                 // likewise: results since Progress
	bad      int                 // likewise: of these, errors
	burstOf  *Job                // likewise: whose, nil if of several
	serves   atomic.Pointer[Job] // the job whose single element was sent last
	climbing atomic.Bool         // a ladder is up, so look

	mu       sync.Mutex
	port     Port
	fifo     []*Batch // sent, in order, not finished
	stalled  []*Batch // encoded, no room yet
	head     time.Time
	up       bool
	retired  bool
	dead     bool
	ladder   ladder
	timer    *time.Timer // for the start, then for the element at the head
	armed    bool        // the timer runs
	startErr error
	done     int64
}

// hasRoom reports whether anything can be sent.
func (w *worker) hasRoom() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.dead && !w.retired && len(w.stalled) == 0 && !w.port.Suspect()
}

var scratch = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// send encodes a batch that the scheduler has given to w, and sends it.
func (w *worker) send(sb sched.Batch) {
	j := sb.Job.Owner.(*Job)
	buf := scratch.Get().(*[]byte)
	payload, flags, n, err := j.encode((*buf)[:0], sb.Range)
	rest := sched.Range{First: sb.First + int64(n), N: sb.N - n}
	if err != nil {
		rest.First++
		rest.N--
	}
	if rest.N > 0 || err != nil {
		w.e.mu.Lock()
		w.e.sched.Finished(&w.sched, sb.N-n)
		w.e.sched.Return(&j.sched, rest)
		w.e.mu.Unlock()
	}
	if n > 0 {
		b := &Batch{Job: j, First: sb.First, Flags: flags, count: n}
		b.n.Store(int32(n))
		w.publish(b, payload)
	}
	if err != nil {
		w.e.count(false)
		j.deliver(sb.First+int64(n), Result{Failure: &Failure{Reason: Unsent, Err: err, Worker: w.index}, Worker: w.index})
	}
	if cap(payload) <= 2*maxPayload {
		*buf = payload
		scratch.Put(buf)
	}
}

func (w *worker) publish(b *Batch, payload []byte) {
	w.mu.Lock()
	if w.dead {
		w.mu.Unlock()
		w.e.mu.Lock()
		w.e.sched.Return(&b.Job.sched, sched.Range{First: b.First, N: b.count})
		w.e.mu.Unlock()
		w.e.dispatch()
		return
	}
	if b.Job.ended.Load() { // its End will not look here again
		w.mu.Unlock()
		w.finished(b.count)
		return
	}
	if b.count == 1 {
		w.serves.Store(b.Job)
	}
	if len(w.stalled) > 0 || !w.port.Send(b, payload) {
		b.payload = append([]byte(nil), payload...)
		w.stalled = append(w.stalled, b)
	} else {
		w.append(b)
	}
	w.mu.Unlock()
}

// append puts a batch that was sent at the end. Call it with mu.
func (w *worker) append(b *Batch) {
	w.fifo = append(w.fifo, b)
	if len(w.fifo) == 1 {
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

// trim drops finished batches from the head. Call it with mu.
func (w *worker) trim() {
	i := 0
	for i < len(w.fifo) && w.fifo[i].finished() {
		i++
	}
	if i > 0 {
		w.fifo = append(w.fifo[:0], w.fifo[i:]...)
	}
}

// Up implements Host.
func (w *worker) Up() {
	w.e.observe(Event{Kind: "worker started", Index: -1, Worker: w.index, PID: w.pid()})
	if w.e.cfg.Setup == nil {
		w.join()
		return
	}
	j := w.e.cfg.Setup()
	j.Deliver = func(_ int64, r Result) {
		if err := w.e.cfg.SetupError(r); err != nil {
			w.e.fail(err)
			return
		}
		w.join()
	}
	w.private(j)
}

// private sends a job of one element past the scheduler.
func (w *worker) private(j *Job) bool {
	payload, flags, n, err := j.encode(nil, sched.Range{N: 1})
	if n == 0 {
		j.Deliver(0, Result{Failure: &Failure{Reason: Unsent, Err: err, Worker: w.index}, Worker: w.index})
		return false
	}
	j.Waited, j.private = true, true
	b := &Batch{Job: j, Flags: flags, count: 1}
	b.n.Store(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead || !w.port.Send(b, payload) {
		return false
	}
	w.append(b)
	return true
}

// join makes w ready for work.
func (w *worker) join() {
	w.mu.Lock()
	if w.up || w.dead {
		w.mu.Unlock()
		return
	}
	w.up = true
	w.timer.Stop()
	w.head = time.Now()
	w.mu.Unlock()
	e := w.e
	e.mu.Lock()
	if e.state != closed {
		w.sched.Owner = w
		e.sched.Join(&w.sched)
		e.missing--
		e.change()
	}
	e.mu.Unlock()
	e.dispatch()
	e.balance()
}

// Result implements Host.
func (w *worker) Result(status uint8, payload []byte) error {
	b := w.cur
	if b == nil || b.finished() {
		w.mu.Lock()
		w.trim()
		if len(w.fifo) == 0 {
			w.mu.Unlock()
			return errUnexpected
		}
		b = w.fifo[0]
		w.cur = b
		w.mu.Unlock()
	}
	i := b.First + int64(b.done.Load())
	number := w.received.Load()
	r := Result{Status: status, Payload: payload, Worker: w.index}
	if w.climbing.Load() {
		r.Failure = w.descend(number, b.Job)
	}
	if (status != abi.StatusOK || r.Failure != nil) && !b.Job.private {
		w.bad++
	}
	b.done.Add(1)
	w.received.Add(1)
	if !b.Job.private {
		w.burst++
		if w.burst == 1 {
			w.burstOf = b.Job
		} else if w.burstOf != b.Job {
			w.burstOf = nil
		}
		if w.e.cfg.Observe != nil {
			w.e.observe(Event{Kind: "finish", Function: b.Job.Function, Index: i, Worker: w.index, PID: w.pid()})
		}
	}
	b.Job.deliver(i, r)
	return nil
}

// Progress implements Host.
func (w *worker) Progress() {
	n, bad, of := w.burst, w.bad, w.burstOf
	w.burst, w.bad, w.burstOf = 0, 0, nil
	now := time.Now()
	w.mu.Lock()
	took := now.Sub(w.head)
	if len(w.fifo) > 0 && w.fifo[0].done.Load() > 0 {
		w.head = now
		w.trim()
	}
	for len(w.stalled) > 0 && w.port.Send(w.stalled[0], w.stalled[0].payload) {
		b := w.stalled[0]
		w.stalled = w.stalled[1:]
		b.payload = nil
		w.append(b)
	}
	w.watch()
	w.done += int64(n)
	up := w.up
	w.mu.Unlock()
	if !up {
		return
	}
	e := w.e
	e.mu.Lock()
	if of != nil {
		of.sched.Cost.Observe(n, took)
	}
	e.done += int64(n - bad)
	e.failed += int64(bad)
	e.sched.Finished(&w.sched, n)
	e.mu.Unlock()
	e.fill(w)
	e.balance()
}

// takeBack takes back at least n elements that have not begun, if there are so many, the last first, and returns how
// many it got. Elements of jobs that have ended are gone.
func (w *worker) takeBack(n int) int {
	type part struct {
		j *Job
		r sched.Range
	}
	var got []part
	total := 0
	w.mu.Lock()
	if w.dead {
		w.mu.Unlock()
		return 0
	}
	take := func(b *Batch, left int) {
		got = append(got, part{b.Job, sched.Range{First: b.First + int64(b.n.Load()), N: left}})
		total += left
	}
	for len(w.stalled) > 0 && total < n {
		b := w.stalled[len(w.stalled)-1]
		w.stalled = w.stalled[:len(w.stalled)-1]
		take(b, int(b.n.Swap(0)))
	}
	for i := len(w.fifo) - 1; i >= 0 && total < n; i-- {
		take(w.fifo[i], w.cut(w.fifo[i]))
	}
	w.trim()
	w.mu.Unlock()
	if total == 0 {
		return 0
	}
	e := w.e
	e.mu.Lock()
	e.sched.Finished(&w.sched, total)
	for _, p := range got {
		e.sched.Return(&p.j.sched, p.r)
	}
	e.mu.Unlock()
	return total
}

// cut takes back what has not begun of a batch that was sent, and returns how many elements that was. Call it with mu.
func (w *worker) cut(b *Batch) int {
	begun, n := w.port.TakeBack(b), int(b.n.Load())
	if begun >= n {
		return 0
	}
	b.n.Store(int32(begun))
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
	for _, b := range w.fifo {
		if b.Job != j {
			continue
		}
		total += w.cut(b)
	}
	w.watch() // what has begun is at the head now, or when its predecessors' results have come
	w.mu.Unlock()
	if total > 0 {
		w.finished(total)
		w.e.fill(w)
		w.e.balance()
	}
}

// kill ends the worker now.
func (w *worker) kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.dead && w.port != nil {
		w.port.Kill()
	}
}

// retire makes the worker run Teardown and end, if it can; Lost follows.
func (w *worker) retire() {
	w.mu.Lock()
	ok := w.up && !w.dead
	w.retired = true
	w.mu.Unlock()
	if ok && w.e.cfg.Teardown != nil {
		j := w.e.cfg.Teardown()
		j.Deliver = func(int64, Result) {}
		ok = w.private(j)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead || w.port == nil {
		return
	}
	if !ok || !w.port.Finish() {
		w.port.Kill()
	}
}
