package engine

import "time"

// Kinds of events.
const (
	WorkerStarted = "worker started"
	WorkerEnded   = "worker ended"
	Start         = "start"
	Finish        = "finish"
	Retry         = "retry"
	MapStarted    = "map started"
	MapEnded      = "map ended"
	Fraction      = "fraction"
	Callback      = "callback"
)

// An Event is something that happened.
type Event struct {
	Kind     string
	Function string
	Index    int64
	Worker   int
	PID      int
	Err      error
	Duration time.Duration
	Total    int     // of MapStarted
	Attempt  int     // of Retry: the one that failed
	Fraction float64 // of Fraction
	Reason   string  // of WorkerEnded
}

// observe tells who observes the engine.
func (e *Engine) observe(ev Event) {
	if e.cfg.Observe != nil {
		e.cfg.Observe(ev)
	}
}

// Observed reports whether anybody observes a job, which has begun.
func (j *Job) Observed() bool { return j.observed }

// Tell tells who observes a job.
func (e *Engine) Tell(j *Job, ev Event) {
	ev.Function = j.Function
	e.observe(ev)
	if j.Observe != nil {
		j.Observe(ev)
	}
}

// Report tells that a callback of a job's caller has panicked, if anybody observes the engine.
func (e *Engine) Report(j *Job, err error) (told bool) {
	if e.cfg.Observe == nil {
		return false
	}
	e.observe(Event{Kind: Callback, Function: j.Function, Index: -1, Worker: -1, Err: err})
	return true
}

// given tells that elements are given to w: before they are, so that their end is told later.
func (w *worker) given(out []outgoing) {
	pid := 0
	for n := range out {
		o := &out[n]
		if !o.job.observed || o.job.ended.Load() {
			continue
		}
		if pid == 0 {
			pid = w.pid()
		}
		for i := range int64(o.n) {
			w.e.Tell(o.job, Event{Kind: Start, Index: o.first + i, Worker: w.index, PID: pid})
		}
	}
}

// took is how long the element ran that a lost worker had begun, if the job is observed.
func (w *worker) took(j *Job) time.Duration {
	if !j.observed {
		return 0
	}
	return time.Since(w.head) // nobody else is there to change it
}

// timed notes in an outcome by which worker it was, and how long it took: since the outcome before it, or since it began. The port's
// consumer calls it, if the job is observed.
func (w *worker) timed(r *Result) {
	now := time.Now()
	w.mu.Lock()
	since := w.head
	if w.port != nil {
		r.PID = w.port.PID()
	}
	w.mu.Unlock()
	if since.Before(w.burst.seen) {
		since = w.burst.seen
	}
	r.Took, w.burst.seen = now.Sub(since), now
}
