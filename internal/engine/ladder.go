package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

// notBegun is how long an element of a worker that has nothing else to do may take to begin, or its timeout, if that
// is longer: after it the worker is taken for stuck.
const notBegun = time.Second

// heldUp is how late the timer may be: later, and this process was itself held up, as by SIGSTOP. What the worker has said
// meanwhile is heard first, which takes no longer, also where others want the CPUs.
const heldUp = 250 * time.Millisecond

// A ladder is how an element that must end is made to: its context is cancelled, then, after Grace, its worker killed.
type ladder struct {
	up      bool
	element uint64 // its number
	last    uint64 // of those that run together with it, itself if there are none
	why     why
	rest    time.Duration // of Grace, after its worker was asked what its goroutines do
	killed  bool
	ended   bool // it seemed to have ended when it was to be killed for
}

// why is why an element must end.
type why int

const (
	abandoned   why = iota // its job has ended
	tooLong                // it ran longer than it may
	interrupted            // the engine was interrupted
)

// watch looks at the element at the head: one whose job has ended must end, too, and for one with a limit the timer is
// to go off when it may have run for too long. Call it with mu, whenever the head may be another.
func (w *worker) watch() {
	w.trim()
	if !w.up || w.ladder.up || w.fifo.Len() == 0 {
		return
	}
	if b := w.fifo.First(); b.Job.ended.Load() || (w.interrupted && !b.Job.private) {
		reason := interrupted // what has not begun was taken back
		if b.Job.ended.Load() {
			// What has not begun must be taken back first: else the number that is cancelled could become another's.
			w.dropped(b.Job, w.discard(b))
			reason = abandoned
		}
		if done := b.done.Load(); done < b.n.Load() {
			w.climb(done, reason)
		} else {
			w.watch()
		}
		return
	}
	if limit := w.fifo.First().Job.Timeout; limit > 0 {
		// One timer for all: it is not set back with each element, but looks what is left when it goes off. It is set forward for one
		// that may take less time than those before.
		if end := w.head.Add(limit); !w.armed || (end.Before(w.due) && !w.excused) {
			w.arm(time.Until(end))
		}
	}
}

// climb starts the ladder for the element at the head, of which done elements had ended when that was decided: more may have
// by now, and the next be innocent. Call it with mu, after trim.
func (w *worker) climb(done int32, reason why) {
	if w.ladder.up {
		return
	}
	first := w.passed + uint64(done)
	w.ladder = ladder{up: true, element: first, last: first, why: reason}
	if b := w.fifo.First(); b.Job.Together {
		w.ladder.last += uint64(max(1, min(w.port.Begun(b), b.Own())-int(done)) - 1)
	}
	w.alert.Add(1)
	cause := abi.CauseCancel
	if reason == tooLong {
		cause = abi.CauseTimeout
	}
	w.port.Cancel(w.ladder.element, cause)
	grace := w.fifo.First().Job.Grace
	if reason == tooLong { // there will be an error that can tell where it was
		w.ladder.rest = grace / 2
	}
	w.arm(grace - w.ladder.rest)
}

// arm makes the timer go off after d. Call it with mu.
func (w *worker) arm(d time.Duration) {
	w.armed, w.due = true, time.Now().Add(d)
	w.timer.Reset(max(0, d))
}

// disarm stops the timer. Call it with mu.
func (w *worker) disarm() {
	w.armed = false
	w.timer.Stop()
}

// unladder takes the ladder away. Call it with mu.
func (w *worker) unladder() {
	w.ladder = ladder{}
	w.alert.Add(-1)
	w.disarm()
}

// descend is called with the outcome of the head batch's next element while a ladder is up. If it is the one that the
// ladder is for, its time was over before it came. Call it with mu.
func (w *worker) descend(b *Batch, status uint8) *Failure {
	l, number := w.ladder, w.received()
	if !l.up || number < l.element {
		return nil
	}
	if !l.killed && number >= l.last {
		w.unladder()
	}
	switch {
	case number > l.last || l.why == abandoned || (l.why == interrupted && status == abi.StatusOK):
		return nil
	case l.why == interrupted:
		return &Failure{Reason: Interrupted, Err: ErrInterrupted, Worker: w.index, PID: w.port.PID()}
	}
	return &Failure{Reason: TimedOut, Worker: w.index, PID: w.port.PID(), Timeout: b.Job.Timeout, Killed: l.killed}
}

// expired is called by the timer.
func (w *worker) expired() {
	var back []part
	defer func() {
		if len(back) > 0 {
			w.giveUp(back, 0)
			w.e.dispatch()
		}
	}()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.armed {
		return
	}
	if left := time.Until(w.due); left > 0 { // it went off, and was set anew before it came in here
		w.timer.Reset(left)
		return
	} else if left < -heldUp && !w.excused {
		w.excused = true
		w.arm(heldUp)
		return
	}
	w.armed, w.excused = false, false
	switch {
	case w.dead || w.port == nil:
	case !w.up:
		w.startErr = fmt.Errorf("mp: worker %d was not ready after %v: %w", w.index, w.e.cfg.StartTimeout, context.DeadlineExceeded)
		w.port.Kill()
	case w.ladder.up && w.received() > w.ladder.last:
		w.unladder() // it ended just then
		w.watch()
	case w.ladder.up && w.ladder.rest > 0:
		w.port.Inspect()
		w.arm(w.ladder.rest)
		w.ladder.rest = 0
	case w.ladder.up:
		// If it has ended, and only its result was not read yet, the kill would hit the next one. So nothing is left that
		// could begin now. That one has begun is the worker's word, which is taken once.
		var begun uint64
		if back, begun = w.freeze(); begun > w.ladder.last+1 && !w.ladder.ended {
			w.ladder.ended = true
			w.arm(heldUp)
			return
		}
		w.ladder.killed = true
		w.port.Kill()
	case w.fifo.Len() > 0 && w.fifo.First().Job.Timeout > 0:
		b := w.fifo.First()
		done := b.done.Load()
		ran, limit := time.Since(w.head), b.Job.Timeout
		switch {
		case ran < limit:
			w.watch()
		case done == b.n.Load() || w.taking.Load(): // its Progress is on the way, and will set head for its successor
			w.arm(limit)
		case w.port.Begun(b) > int(done):
			w.climb(done, tooLong)
		case ran >= max(limit, notBegun):
			w.port.Kill() // nothing has begun, so nothing fails; others will run it
		default:
			w.arm(max(limit, notBegun) - ran)
		}
	}
}
