package engine

import (
	"sync"
	"sync/atomic"
	"time"
)

// arrivals knows when the elements of a job became available, since the engine's birth. Most jobs are added at once; a stream is not.
type arrivals struct {
	first atomic.Int64 // of the first that were added
	many  atomic.Bool

	added int64 // guarded by the engine's mutex

	mu    sync.Mutex
	later []stamp // guarded by mu: none if there was one Add; the first are forgotten when there are too many
}

// A stamp is when the elements before end became available that had not before.
type stamp struct {
	end int64
	at  time.Duration
}

// maxStamps is how many are kept. What is added bit by bit is taken bit by bit, so the oldest have long begun.
const maxStamps = 1024

// available notes that n more elements of a job are. Those for which a worker waits do not wait themselves, and need no clock. Call
// it with mu.
func (e *Engine) available(j *Job, n int64) {
	e.books.accepted += n
	at := time.Duration(0)
	switch {
	case n == 1 && e.sched.Waiting() == 0 && e.sched.Idle():
	case j.came.added > 0 && j.sched.Cost.Estimate() > 0 && j.sched.Cost.Estimate() < often:
		at = e.books.looked
	default:
		at = time.Since(e.birth)
	}
	j.came.add(n, at)
}

// often is how long the elements of a stream may take whose workers, which are busy, are looked at so often that the time of the last look
// is good enough: the clock costs more than many an element.
const often = 100 * time.Microsecond

// add is called with the engine's mutex.
func (a *arrivals) add(n int64, at time.Duration) {
	if a.added == 0 { // of most jobs that is all
		a.first.Store(int64(at))
		a.added = n
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.many.Load() {
		a.later = append(a.later, stamp{a.added, time.Duration(a.first.Load())})
		a.many.Store(true)
	}
	if len(a.later) == maxStamps {
		a.later = append(a.later[:0], a.later[maxStamps/2:]...)
	}
	a.added += n
	a.later = append(a.later, stamp{a.added, at})
}

// at is when element i became available.
func (a *arrivals) at(i int64) time.Duration {
	if !a.many.Load() {
		return time.Duration(a.first.Load())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	low, high := 0, len(a.later)-1
	for low < high {
		if middle := (low + high) / 2; a.later[middle].end > i {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return a.later[low].at
}
