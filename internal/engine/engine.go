package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp/internal/sched"
	"github.com/go-multiproc/mp/internal/spawn"
)

// ErrClosed reports an engine that takes no more work.
var ErrClosed = errors.New("mp: closed")

// ErrFull reports that there is no room, to who did not want to wait.
var ErrFull = errors.New("mp: full")

// Config is what an engine is to be. Every field is set, or 0 means what it says.
type Config struct {
	Workers      int
	StartTimeout time.Duration
	Window       int64
	WindowBytes  int64
	// MaxTasks, MaxAge and MaxRSS are when a worker is replaced; 0 for never. See recycle.go.
	MaxTasks int64
	MaxAge   time.Duration
	MaxRSS   int64
	// IdleTimeout is after how long without work a worker ends, if more than MinWorkers are left; 0 for never. See park.go.
	IdleTimeout time.Duration
	MinWorkers  int
	// Start starts a worker; the port reports to the host.
	Start func(index int, h Host) (Port, error)
	// Setup and Teardown return the job of one element that runs first or last in each worker; nil for none. The
	// engine sets their Deliver and Abort.
	Setup, Teardown func() *Job
	// SetupError turns the outcome of Setup into an error, nil if it went well.
	SetupError func(Result) error
	// Confine and ConfineError are the same for a job that runs after Setup, and before anything else, in each worker.
	Confine      func() *Job
	ConfineError func(Result) error
	// LostError makes an error of the way in which a worker ended during its start.
	LostError func(worker, pid int, exit spawn.Exit) error
	// LeaseError makes an error of the way in which a leased worker ended.
	LeaseError func(*Failure) error
	Observe    func(Event) // nil for none
}

type state int

const (
	open    state = iota
	closing       // what was begun is finished, nothing new is taken
	closed        // workers end or have ended
)

// Engine keeps workers alive and gives them what jobs hold. Safe for concurrent use.
type Engine struct {
	cfg   Config
	birth time.Time
	gate  gate

	mu       sync.Mutex
	sched    sched.Scheduler
	workers  []*worker            // by index, those that elements are given to, or that start; nil while there is none
	seats    []seat               // by index
	all      map[*worker]struct{} // that are not gone: also heirs, and those that only finish what they have begun
	jobs     map[*Job]struct{}
	costs    map[uint32]*sched.Cost // by function
	state    state
	broken   error
	killing  bool // workers are ended at once
	changed  chan struct{}
	stopped  chan struct{} // closed with the state closed
	ended    chan struct{} // closed when the last worker is gone
	restarts int64
	reasons  map[string]int64 // of restarts
	done     int64
	failed   int64
	retried  int64
	books    books                    // see measure.go
	timers   map[*time.Timer]struct{} // of starts to come
	opened   bool                     // New has returned: a start that fails is no longer its error

	broadcasts broadcasts
	interrupt  atomic.Int32 // 0, or how far it is
}

// New starts an engine and all its workers, and returns when all have run Setup, or with the error of the first that
// failed, when all others have ended.
func New(ctx context.Context, cfg Config) (*Engine, error) {
	e := &Engine{
		cfg: cfg, birth: time.Now(), all: make(map[*worker]struct{}), jobs: make(map[*Job]struct{}), costs: make(map[uint32]*sched.Cost),
		changed: make(chan struct{}), stopped: make(chan struct{}), ended: make(chan struct{}),
		reasons: make(map[string]int64), timers: make(map[*time.Timer]struct{}), broadcasts: broadcasts{turn: make(chan struct{}, 1)},
	}
	e.gate.limit, e.gate.limitB = cfg.Window, cfg.WindowBytes
	for _, i := range e.seat(cfg.Workers) {
		e.start(i)
	}
	if period := cfg.period(); period > 0 {
		go e.keep(period)
	}
	if err := e.Ready(ctx); err != nil {
		e.Kill()
		<-e.ended
		return nil, err
	}
	e.mu.Lock()
	e.opened = true
	e.mu.Unlock()
	return e, nil
}

// Ready waits until every worker has run Setup.
func (e *Engine) Ready(ctx context.Context) error { return e.await(ctx, e.ready) }

// await waits until cond holds, which is asked with mu, or the engine takes no more work.
func (e *Engine) await(ctx context.Context, cond func() bool) error {
	for {
		e.mu.Lock()
		done, changed, err := cond(), e.changed, e.broken
		if err == nil && e.state != open {
			err = ErrClosed
		}
		e.mu.Unlock()
		if err != nil {
			return err
		}
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// change wakes who waits for a change of the engine's state. Call it with mu.
func (e *Engine) change() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// Begin opens a job. End must follow.
func (e *Engine) Begin(j *Job) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.refuses(); err != nil {
		return err
	}
	cost := e.costs[j.Func]
	if cost == nil {
		cost = new(sched.Cost)
		e.costs[j.Func] = cost
	}
	j.sched.Cost, j.sched.Chunk, j.sched.Priority, j.sched.Owner = cost, j.Chunk, j.Priority, j
	j.sched.Whole = j.Together
	if e.sched.OneAtATime {
		j.sched.Chunk = 1
	}
	if err := e.pin(j); err != nil {
		return err
	}
	j.begun, j.observed = true, e.cfg.Observe != nil || j.Observe != nil
	j.follow()
	e.jobs[j] = struct{}{}
	return nil
}

// refuses is why nothing new is taken; nil if it is. Call it with mu.
func (e *Engine) refuses() error {
	switch {
	case e.broken != nil:
		return e.broken
	case e.state != open:
		return ErrClosed
	default:
		return nil
	}
}

// Add makes n more elements of a job available.
func (e *Engine) Add(j *Job, n int64) {
	e.mu.Lock()
	e.available(j, n)
	e.sched.Add(&j.sched, n)
	e.mu.Unlock()
	e.dispatch()
}

// Wants is how many elements of the job would go to workers before they had to wait for more.
func (e *Engine) Wants(j *Job) int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return int64(4*j.sched.Estimate()*len(e.workers)) - j.sched.Waiting()
}

// Help lets the caller, who waits until done reports true, do the work of the worker that runs its only element.
func (e *Engine) Help(j *Job, done func() bool) {
	e.mu.Lock()
	var server *worker
	for _, w := range e.workers {
		if w != nil && w.serves.Load() == j {
			server = w
			break
		}
	}
	e.mu.Unlock()
	if server == nil {
		return
	}
	server.mu.Lock()
	port := server.port
	server.mu.Unlock()
	port.Help(done)
}

// End closes a job. Elements of it that are not finished are dropped, those that run are cancelled, and after Grace
// their workers killed; nothing of it is encoded or delivered any more.
func (e *Engine) End(j *Job) {
	j.end()
	e.mu.Lock()
	if !j.begun {
		e.mu.Unlock()
		return
	}
	j.begun = false
	e.sched.End(&j.sched)
	delete(e.jobs, j)
	last := len(e.jobs) == 0 && e.state == closing
	if last {
		e.change()
	}
	workers := e.present()
	e.mu.Unlock()
	for _, w := range workers {
		w.drop(j)
	}
}

// Finished closes a job of which every element was delivered: End, without the search for what is left.
func (e *Engine) Finished(j *Job) {
	e.mu.Lock()
	j.begun = false
	delete(e.jobs, j)
	if len(e.jobs) == 0 && e.state == closing {
		e.change()
	}
	e.mu.Unlock()
}

// Enter waits for room for one call of so many bytes; Leave gives it back.
func (e *Engine) Enter(ctx context.Context, bytes int64) error {
	if e.gate.try(bytes) {
		return nil
	}
	err := e.gate.enter(ctx, bytes, e.stopped)
	if e.interrupt.Load() == 0 || (err != nil && ctx.Err() != nil) {
		return err
	}
	if err == nil { // what was swept made room
		e.gate.leave(bytes)
	}
	return ErrInterrupted
}

// TryEnter is Enter for who does not wait.
func (e *Engine) TryEnter(bytes int64) error {
	if !e.gate.try(bytes) {
		return ErrFull
	}
	return nil
}

// Leave undoes Enter.
func (e *Engine) Leave(bytes int64) { e.gate.leave(bytes) }

// dispatch gives what waits to whoever can take it, and takes back what is in the way of something, or what others could run now, until
// that is nothing. Each round moves something to where it should be, or the scheduler learns that it has begun, so it ends.
func (e *Engine) dispatch() {
	for {
		e.hand()
		e.mu.Lock()
		r := e.sched.Recall()
		e.mu.Unlock()
		if r.Worker == nil || !r.Owner.(*worker).takeBack(r.N, r.Pinned) {
			break
		}
	}
	if e.cfg.IdleTimeout > 0 {
		e.unpark()
	}
}

// balance is dispatch where there is need.
func (e *Engine) balance() {
	e.mu.Lock()
	starves := e.sched.Starves()
	e.mu.Unlock()
	if starves {
		e.dispatch()
	}
}

func (e *Engine) hand() {
	for {
		if phase := e.interrupt.Load(); phase != 0 {
			if phase == sweeping {
				e.sweep()
			}
			return
		}
		e.mu.Lock()
		s := e.sched.Pick()
		e.mu.Unlock()
		if s == nil {
			return
		}
		e.fill(s.Owner.(*worker)) // one that has no room is passed over: the next is picked
	}
}

// handful is how many batches are handed to a worker at a time: the locks and the wake-up are then paid for all of them.
const handful = 16

// fill gives a worker as much as it may have.
func (e *Engine) fill(w *worker) {
	for {
		room := w.room()
		if room == 0 {
			return
		}
		var list [handful]sched.Batch
		e.mu.Lock()
		n := e.sched.Next(&w.sched, list[:min(room, handful)])
		e.mu.Unlock()
		if n == 0 {
			return
		}
		w.send(list[:n])
		if e.cfg.MaxTasks > 0 {
			e.used(w)
		}
	}
}

// fail breaks the engine: it can run nothing more.
func (e *Engine) fail(err error) {
	e.mu.Lock()
	if e.broken != nil || e.state == closed {
		e.mu.Unlock()
		return
	}
	e.broken = err
	e.change()
	e.mu.Unlock()
	e.abort(&Failure{Reason: Broken, Err: err})
	e.shut()
}

// abort fails what is outstanding.
func (e *Engine) abort(f *Failure) {
	e.mu.Lock()
	jobs := slices.Collect(maps.Keys(e.jobs))
	e.mu.Unlock()
	e.abortJobs(jobs, f)
}

func (e *Engine) abortJobs(jobs []*Job, f *Failure) {
	for _, j := range jobs {
		e.End(j)
		j.Abort(f)
	}
}

// over makes the engine closed, so that no worker starts any more, and returns those there are.
func (e *Engine) over(killing bool) []*worker {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.killing = e.killing || killing
	if e.state != closed {
		e.state = closed
		close(e.stopped)
		e.change()
	}
	for t := range e.timers {
		t.Stop()
	}
	clear(e.timers)
	return e.present()
}

// shut ends all workers at once.
func (e *Engine) shut() {
	for _, w := range e.over(true) {
		w.kill()
	}
	e.checkEnded()
}

func (e *Engine) checkEnded() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state != closed || len(e.all) > 0 {
		return
	}
	select {
	case <-e.ended:
	default:
		close(e.ended)
	}
}

// Kill ends everything now. What is outstanding fails.
func (e *Engine) Kill() {
	e.mu.Lock()
	if e.state == open {
		e.state = closing // nothing new may come in while the rest is failed
		e.change()
	}
	e.mu.Unlock()
	e.abort(e.stopFailure())
	e.shut()
	<-e.ended
}

// Close takes no new jobs, finishes those it has, and ends the workers in order, all until ctx ends: then it kills.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	if e.state == open {
		e.state = closing
		e.change()
	}
	e.mu.Unlock()
	err := e.drain(ctx)
	if err == nil {
		e.retire()
		select {
		case <-e.ended:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		e.Kill()
		return fmt.Errorf("mp: stopped before the end of its work: %w", err)
	}
	return nil
}

// drain waits for the end of all jobs.
func (e *Engine) drain(ctx context.Context) error {
	for {
		e.mu.Lock()
		left, changed, st := len(e.jobs), e.changed, e.state
		e.mu.Unlock()
		if left == 0 || st == closed {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// retire lets each worker run Teardown and end.
func (e *Engine) retire() {
	for _, w := range e.over(false) {
		w.retire(0)
	}
	e.checkEnded()
}
