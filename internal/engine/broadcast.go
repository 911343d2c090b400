package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"syscall"

	"github.com/go-multiproc/mp/internal/spawn"
)

// A word is what every worker is to run once. The last of each function that went well is kept for workers that come later.
type word struct {
	number int64 // in the order in which they are told
	job    *Job
	make   func() *Job
	done   func(Result) error
	errs   []wordError // guarded by the engine's mutex
	gone   chan error  // why the engine runs it no more; it has room for all that it may be told
}

type wordError struct {
	worker int
	err    error
}

// broadcasts is the words of an engine. Guarded by its mutex, but for turn.
type broadcasts struct {
	turn    chan struct{} // full while a Broadcast is under way: so all workers run them in one order
	number  int64         // of the last
	current *word         // of the Broadcast that is under way
	kept    []*word       // in their order
}

// Broadcast runs a job of one element on every worker, past the scheduler, and returns when as many workers as the engine
// should have are there and have run it, or when all that were told have and one of them failed. makeJob makes the job, with
// its Arg and its Grace; done turns an outcome into an error, nil if it went well. If it did everywhere, every worker that
// comes later runs it as well, after Setup and before anything else.
//
// A worker that was killed before it had run it has a successor that runs it. One that ends by itself meanwhile has failed, and then
// nobody more is told.
func (e *Engine) Broadcast(ctx context.Context, makeJob func() *Job, done func(Result) error) error {
	select {
	case e.broadcasts.turn <- struct{}{}:
		defer func() { <-e.broadcasts.turn }()
	case <-ctx.Done():
		return ctx.Err()
	case <-e.stopped:
	}
	k := &word{job: makeJob(), make: makeJob, done: done, gone: make(chan error, 2)}
	j := k.job
	j.Waited, j.private = true, true
	j.Deliver = func(worker int64, r Result) { e.judge(k, int(worker), r) }
	j.Abort = func(f *Failure) { k.gone <- f.Err }
	j.Interrupted = func() { k.gone <- ErrInterrupted }
	if err := e.Begin(j); err != nil {
		return err
	}
	defer e.End(j) // where it has not begun, it need not any more
	e.tell(k)
	return e.awaitHeard(ctx, k)
}

// tell tells a word to all workers that are there. Others are told when they join.
func (e *Engine) tell(k *word) {
	var listeners []*worker
	e.mu.Lock()
	e.broadcasts.number++
	k.number = e.broadcasts.number
	e.broadcasts.current = k
	for _, w := range e.audience() {
		if w.listens {
			w.told = k.number
			listeners = append(listeners, w)
		}
	}
	e.mu.Unlock()
	for _, w := range listeners {
		w.mu.Lock()
		w.say(k.job)
		w.mu.Unlock()
	}
}

// awaitHeard waits until a word is heard, and keeps it if it went well.
func (e *Engine) awaitHeard(ctx context.Context, k *word) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer func() { e.broadcasts.current = nil }()
	for {
		if !k.job.ended.Load() && e.heard(k) { // that nobody has to run what has ended does not mean that all have
			return e.verdict(k)
		}
		changed := e.changed
		e.mu.Unlock()
		var err error
		select {
		case <-changed:
		case err = <-k.gone:
		case <-ctx.Done():
			err = ctx.Err()
		}
		e.mu.Lock()
		if err != nil {
			return err
		}
	}
}

// verdict is what came of a word that was heard. It keeps one that went well. Call it with mu.
func (e *Engine) verdict(k *word) error {
	if len(k.errs) == 0 {
		e.broadcasts.keep(k)
		return nil
	}
	slices.SortFunc(k.errs, func(a, b wordError) int { return cmp.Compare(a.worker, b.worker) })
	errs := make([]error, len(k.errs))
	for i := range errs {
		errs[i] = k.errs[i].err
	}
	return errors.Join(errs...)
}

// heard reports whether nobody has to run a word any more. Call it with mu.
func (e *Engine) heard(k *word) bool {
	failed := len(k.errs) > 0
	for _, w := range e.audience() {
		if w.heard < k.number && (w.told >= k.number || !failed) {
			return false
		}
	}
	return failed || e.ready()
}

// audience is the workers that elements are given to, or will be: but for heirs that are not ready, which hear later what is kept. Call
// it with mu.
func (e *Engine) audience() (list []*worker) {
	for i, w := range e.workers {
		if w != nil {
			list = append(list, w)
		}
		if heir := e.seats[i].heir; heir != nil && heir.listens {
			list = append(list, heir)
		}
	}
	return list
}

// judge takes the outcome of a word on a worker.
func (e *Engine) judge(k *word, worker int, r Result) {
	if err := k.done(r); err != nil {
		e.mu.Lock()
		k.errs = append(k.errs, wordError{worker, err})
		e.change()
		e.mu.Unlock()
	}
}

// keep keeps a word in the place of the one before of the same function, for workers that come later.
func (b *broadcasts) keep(k *word) {
	b.kept = append(slices.DeleteFunc(b.kept, func(old *word) bool { return old.job.Func == k.job.Func }), k)
	k.job = &Job{Func: k.job.Func} // nobody needs the rest any more
}

// unheard is the first word that a worker which has not joined must still run, nil if there is none. Then it listens from now
// on, and current, if that is not nil, is told to it as to the others. Call it with the engine's mutex.
func (w *worker) unheard() (missed, current *word) {
	b := &w.e.broadcasts
	for _, k := range b.kept {
		if k.number > w.heard {
			return k, nil
		}
	}
	w.listens = true
	if k := b.current; k != nil && len(k.errs) == 0 {
		w.told, current = k.number, k
	}
	return nil, current
}

// catchUp makes a worker that has not joined run a word from before its time, and then try to join again. A failure is that of
// a Setup. Call it with mu.
func (w *worker) catchUp(k *word) {
	j := k.make()
	j.Waited, j.private = true, true
	j.Deliver = func(_ int64, r Result) {
		if err := k.done(r); err != nil {
			w.e.fail(err)
			return
		}
		w.e.mu.Lock()
		w.heard = k.number
		w.e.mu.Unlock()
		w.join()
	}
	w.say(j)
}

// say sends the worker its word, now or when there is room: nothing else is sent before. Call it with mu.
func (w *worker) say(j *Job) {
	if w.dead || w.retired {
		return
	}
	b := NewBatch(j)
	b.First = int64(w.index)
	if !w.private(b) {
		w.unsaid = b
	}
}

// sayAgain sends what found no room. Call it with mu.
func (w *worker) sayAgain() {
	if w.unsaid != nil && w.private(w.unsaid) {
		w.unsaid = nil
	}
}

// unsay forgets the word of a job that has ended, if it found no room, and reports whether it did. Call it with mu.
func (w *worker) unsay(j *Job) bool {
	if w.unsaid == nil || w.unsaid.Job != j {
		return false
	}
	w.unsaid = nil
	return true
}

// answered notes that the worker has run a private job, if that is the current word's.
func (w *worker) answered(j *Job) {
	e := w.e
	e.mu.Lock()
	defer e.mu.Unlock()
	if k := e.broadcasts.current; k != nil && k.job == j {
		w.heard = k.number
		e.change()
	}
}

// fatal is what a private batch failed of whose worker has ended, nil if the worker was killed from outside, or had not begun it:
// then its successor runs it. Those of a worker that was not up are no concern of a Broadcast. Call it with mu.
func (w *worker) fatal(b *Batch, pid int, exit spawn.Exit, why error) *lostElement {
	killed := exit.Signal == syscall.SIGKILL && !exit.OOM && why == nil
	if killed || !w.up || b.finished() || w.port.Begun(b) == 0 {
		return nil
	}
	return &lostElement{b.Job, b.First, &Failure{Reason: Died, Worker: w.index, PID: pid, Exit: exit, Attempts: 1}, false}
}
