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

	mu    sync.Mutex
	added int64   // guarded by mu
	later []stamp // guarded by mu: the first are forgotten when there are too many
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
	if n > 1 || e.sched.Waiting() > 0 || !e.sched.Idle() {
		at = time.Since(e.birth)
	}
	j.came.add(n, at)
}

func (a *arrivals) add(n int64, at time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.added += n; a.added == n {
		a.first.Store(int64(at))
	} else {
		a.many.Store(true)
	}
	if len(a.later) == maxStamps {
		a.later = append(a.later[:0], a.later[maxStamps/2:]...)
	}
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
