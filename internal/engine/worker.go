package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/fifo"
	"github.com/go-multiproc/mp/internal/sched"
)

// A worker is one worker's place in the engine: what it has, and what is to become of it.
type worker struct {
	e     *Engine
	index int
	since time.Time
	// Guarded by the engine's mutex. See seat.go.
	sched  sched.Worker
	shown  int64  // results of which the scheduler knows
	joined bool   // elements are given to it
	ready  bool   // it could be given some, and waits for its predecessor to be spent
	reason string // why it is to be replaced, or only finishes what it has begun; "" while it is wanted

	// Of broadcasts, guarded by the engine's mutex: the numbers of the last word that it was told and of the last that it has run,
	// and whether it is told at once.
	told, heard int64
	listens     bool

	burst  burst // of the port's consumer
	spare  atomic.Pointer[buffer]
	serves atomic.Pointer[Job] // the job whose single element was sent last

	weighed time.Time    // of the port's consumer: when it last looked at MaxRSS
	quiet   atomic.Int64 // when the port last looked and found nothing, since the engine's birth

	taking atomic.Bool // results are being taken, and Progress will follow

	// alert counts what the port's consumer must not overlook, though it takes no lock for a result: a ladder that is up,
	// and a take-back on its way. Whatever a result follows from was announced before it.
	alert atomic.Int32

	telling sync.Mutex // held while a fraction is told: none of an element follows its end. Before mu

	mu          sync.Mutex
	port        Port
	fifo        fifo.Queue[*Batch] // sent, not finished
	passed      uint64             // elements of batches that were trimmed
	hidden      int64              // of these, private ones, of which the scheduler does not know
	stalled     []*Batch           // encoded, no room yet
	unsaid      *Batch             // of a broadcast, no room yet
	free        []*Batch           // to be used again
	head        time.Time
	up          bool
	retired     bool
	last        *Batch // Teardown, when retired and until it is sent
	finishing   bool   // told to end
	suspect     bool   // it gave the sign that it ends, and will be killed if it does not
	dead        bool
	ladder      ladder
	interrupted bool        // the engine was: all that w has has begun, and is to end
	timer       *time.Timer // for the start, then for the element at the head
	armed       bool        // the timer runs
	due         time.Time   // when it is to go off
	excused     bool        // it was late, and is on its second way
	startErr    error
	done        int64
	m           measured
}

// received is the number of results so far, which is the number of the element at the head. Call it with mu.
func (w *worker) received() uint64 {
	n := w.passed
	for _, b := range w.fifo.All() {
		done := uint64(b.done.Load())
		n += done
		if !b.finished() {
			break
		}
	}
	return n
}

// trim drops finished batches from the head. Call it with mu.
func (w *worker) trim() { w.drain(func(*Batch) {}) }

// drain is trim that hands the batches to drop.
func (w *worker) drain(drop func(*Batch)) {
	for w.fifo.Len() > 0 {
		b := w.fifo.First()
		if !b.finished() {
			return
		}
		w.passed += uint64(b.done.Load())
		if b.Job.private {
			w.hidden += int64(b.done.Load())
		}
		w.waited(b)
		w.fifo.Pop()
		drop(b)
	}
}

// Up implements Host.
func (w *worker) Up() {
	w.mu.Lock()
	w.m.turn(initializing, time.Now())
	w.mu.Unlock()
	w.e.observe(Event{Kind: WorkerStarted, Index: -1, Worker: w.index, PID: w.pid()})
	c := &w.e.cfg
	w.prepare(c.Setup, c.SetupError, func() { w.prepare(c.Confine, c.ConfineError, w.join) })
}

// prepare makes a new worker run a task, if there is one, and goes on if that went well.
func (w *worker) prepare(task func() *Job, outcome func(Result) error, next func()) {
	if task == nil {
		next()
		return
	}
	j := task()
	j.Deliver = func(_ int64, r Result) {
		if err := outcome(r); err != nil {
			w.e.fail(err)
			return
		}
		next()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.dead {
		w.private(newPrivate(j)) // the channel has room: what was sent before, if anything, has finished
	}
}

// newPrivate makes the batch of a job of one element that goes past the scheduler.
func newPrivate(j *Job) *Batch {
	j.Waited, j.private = true, true
	return NewBatch(j)
}

// private sends such a batch, or reports that there is no room for it. Call it with mu.
func (w *worker) private(b *Batch) bool {
	b.Flags |= abi.FlagPrivate
	if !w.port.Send(b, b.Job.Arg) {
		return false
	}
	w.append(b)
	w.port.Flush()
	return true
}

// join makes w ready for work, when it has run what was broadcast before it came.
func (w *worker) join() {
	e := w.e
	w.mu.Lock()
	if w.up || w.dead {
		w.mu.Unlock()
		return
	}
	e.mu.Lock()
	missed, current := w.unheard()
	e.mu.Unlock()
	if missed != nil {
		w.catchUp(missed)
		w.mu.Unlock()
		return
	}
	w.up = true
	w.disarm()
	w.head = time.Now()
	if current != nil {
		w.say(current.job)
	}
	w.m.turn(idling, w.head)
	w.mu.Unlock()
	e.mu.Lock()
	old := e.admit(w)
	e.mu.Unlock()
	if old != nil {
		old.leave()
	}
	e.dispatch()
}

// kill ends the worker now.
func (w *worker) kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.dead && w.port != nil {
		w.m.turn(leaving, time.Now())
		w.port.Kill()
	}
}

// leave is retire for a worker that others take the place of, or that is not needed any more: its Teardown may take no longer than a
// start, else there could be ever more such workers. Call it when the scheduler has forgotten the worker.
func (w *worker) leave() {
	w.retire(w.e.cfg.StartTimeout)
	w.e.dispatch()
}

// retire makes the worker end when it has finished what it has begun and has run Teardown, if it can, in no longer than limit unless
// that is 0; Lost follows. What it has not begun goes back.
func (w *worker) retire(limit time.Duration) {
	var last *Batch
	if w.e.cfg.Teardown != nil {
		j := w.e.cfg.Teardown()
		j.Deliver = func(int64, Result) {}
		j.Timeout = limit
		last = newPrivate(j)
	}
	w.mu.Lock()
	if w.retired { // by another
		w.mu.Unlock()
		return
	}
	w.retired, w.last = true, last
	var back []part
	if w.up && !w.dead {
		back = w.release()
	}
	w.finish()
	w.mu.Unlock()
	w.giveUp(back, 0)
}

// finish ends a worker that is retired. What finds no room, for what was cancelled is still in the way or streams, waits for
// Progress. Call it with mu.
func (w *worker) finish() {
	switch {
	case w.dead || w.port == nil || w.finishing:
		return
	case !w.up:
		w.port.Kill()
		return
	}
	if w.last != nil && !w.private(w.last) {
		return
	}
	w.last = nil
	if w.finishing = w.port.Finish(); w.finishing && w.m.doing == idling {
		w.m.turn(leaving, time.Now())
	}
}
