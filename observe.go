package mp

import (
	"time"

	"github.com/go-multiproc/mp/internal/engine"
)

// Kinds of events.
const (
	// EventWorkerStarted: a worker process is there; Init follows.
	EventWorkerStarted = "worker started"
	// EventWorkerEnded: a worker has ended; Reason says why, Err how if that was an error, Duration how long it lived.
	EventWorkerEnded = "worker ended"
	// EventStart: an element is given to a worker. It begins when those that the worker was given before have ended; one that moves
	// to another worker meanwhile, or is run again, starts again.
	EventStart = "start"
	// EventFinish: an element has its outcome: Err if that is an error; Duration is how long it ran, as far as that is known. Each
	// element that was accepted finishes once, but one whose call or map ended before does not, for nobody hears of it any more. Of a call
	// it is told before the caller knows.
	EventFinish = "finish"
	// EventRetry: an attempt failed with Err, and the element is run again.
	EventRetry = "retry"
	// EventMapStarted: a Map, Results or Stream begins, with Total elements; -1 if their number is not known.
	EventMapStarted = "map started"
	// EventMapEnded: it is over; Err is what Map returns, or why Results and Stream ended early; Duration how long it took. It comes
	// before Map returns. What others are just telling may come a moment later.
	EventMapEnded = "map ended"
	// EventFraction: an element says that Fraction of it is done.
	EventFraction = "fraction"
	// EventCallback: a callback of Future.Then has panicked; Err has the value and the stack.
	EventCallback = "callback"
)

// An Observer is told what happens in a pool. Calls come from several goroutines and hold the pool up. It must return: it may
// call Stats, Workers and Go, but what waits for the pool, as Call, Map, Close and Kill do, waits for the Observer itself,
// forever. A panic in it is the program's, and so is runtime.Goexit, as in t.FailNow, which ends the pool's goroutine.
type Observer func(Event)

// An Event is something that happened in a pool.
type Event struct {
	Kind     string // EventStart and so on; there may be others in the future
	Function string
	Index    int // the element, 0 for a call; -1 if it is about none
	Worker   int // -1 if it is about none
	PID      int
	Err      error
	Duration time.Duration
	Total    int     // of EventMapStarted
	Attempt  int     // of EventRetry: which one failed, from 1
	Fraction float64 // of EventFraction: what the element's function gave to ReportProgress
	Reason   string  // of EventWorkerEnded: "death", "timeout", "cancelled", "memory limit", "start failed", "MaxTasks", "MaxAge", "MaxRSS", "idle", "resize", "close"
}

func newEvent(e engine.Event) Event {
	return Event{
		Kind: e.Kind, Function: e.Function, Index: int(e.Index), Worker: e.Worker, PID: e.PID, Err: e.Err, Duration: e.Duration,
		Total: e.Total, Attempt: e.Attempt, Reason: e.Reason, Fraction: e.Fraction,
	}
}

// observer is who is told of the engine's events; nil if nobody wants to know, for then they cost nothing.
func (c PoolConfig) observer() func(engine.Event) {
	if c.Observer == nil && c.Logger == nil {
		return nil
	}
	return func(e engine.Event) {
		switch {
		case c.Logger == nil:
		case e.Kind == engine.WorkerStarted || e.Kind == engine.WorkerEnded:
			c.Logger.Info("mp: "+e.Kind, "worker", e.Worker, "pid", e.PID, "reason", e.Reason, "err", e.Err)
		case e.Kind == engine.Callback:
			c.Logger.Error("mp: "+e.Kind, "function", e.Function, "err", e.Err)
		}
		if c.Observer != nil {
			c.Observer(newEvent(e))
		}
	}
}

type observeOption struct{ observe func(Event) }

func (o observeOption) mapping(s *settings) {
	s.observed, s.observers = true, append(s.observers, o.observe)
}

// Observe tells fn what happens to the map and its elements. Calls come from several goroutines, and hold the pool up. What holds
// for an Observer holds for fn. Given several times, it tells all of them.
func Observe(fn func(Event)) MapOption { return observeOption{fn} }

// observer is who is told of the events of one map.
func (s *settings) observer() func(engine.Event) {
	if len(s.observers) == 0 {
		return nil
	}
	return func(e engine.Event) {
		for _, tell := range s.observers {
			tell(newEvent(e))
		}
	}
}

// mapStarted tells that a map begins; the function that it returns, that it is over.
func mapStarted(e *engine.Engine, j *engine.Job, total int) (ended func(error)) {
	if !j.Observed() {
		return func(error) {}
	}
	start := time.Now()
	e.Tell(j, engine.Event{Kind: engine.MapStarted, Index: -1, Worker: -1, Total: total})
	return func(err error) {
		e.Tell(j, engine.Event{Kind: engine.MapEnded, Index: -1, Worker: -1, Err: err, Duration: time.Since(start)})
	}
}

// finished tells the outcome of an element of a job that is observed. To ask that first is the caller's, for it is less than the call.
func finished(e *engine.Engine, j *engine.Job, i int64, r engine.Result, err error) {
	e.Tell(j, engine.Event{Kind: engine.Finish, Index: i, Worker: r.Worker, PID: r.PID, Err: err, Duration: r.Took})
}
