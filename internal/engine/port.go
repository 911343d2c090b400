package engine

import (
	"context"

	"github.com/go-multiproc/mp/internal/spawn"
)

// A Port is the way to one worker: a process behind a channel, or a goroutine. The engine calls it under the worker's
// lock, so no method but Help may wait or call back.
type Port interface {
	PID() int
	// Room is how many batches can be sent now, as far as that is known before their payloads are. After 0 comes Progress, when
	// that may have changed.
	Room() int
	// Send takes a batch, or reports that there is no room for it now; room comes with progress. The worker sees it after
	// Flush at the latest. A payload of more than MaxCopied bytes must not change until its elements have ended.
	Send(b *Batch, payload []byte) bool
	Flush()
	// TakeBack takes back what has not begun of a batch that was sent, and returns how many have.
	TakeBack(b *Batch) (begun int)
	// Begun is how many elements of a batch have begun.
	Begun(b *Batch) int
	// Cancel asks the worker to cancel the context of an element, counted from the first it began.
	Cancel(element uint64, cause uint8)
	// Finish makes the worker end in order after what it was sent. It reports false if there is no room now.
	Finish() bool
	// Kill ends the worker now. Host.Lost follows.
	Kill()
	// Inspect asks the worker what its goroutines do, for the Exit that may follow. It does not wait.
	Inspect()
	// Suspect reports that the worker is ending already.
	Suspect() bool
	// Help does the port's work for a short while, until done reports true: a caller that has nothing else to do
	// saves the time to wake the port's own goroutine.
	Help(done func() bool)
	// RSS is the worker's memory in bytes, 0 if it is not known.
	RSS() int64
	// PeakRSS is the most that it ever was, 0 if it is not known.
	PeakRSS() int64
}

// An Asker is a Port to a worker that answers questions (package side).
type Asker interface {
	// Ask waits for the answer, of at most limit bytes, until ctx ends. It may be called without the worker's lock.
	Ask(ctx context.Context, name string, arg []byte, limit int) ([]byte, error)
}

// A FractionHost is a Host that is told how far elements are.
type FractionHost interface {
	// Fraction: the function that runs the element with this number, counted from the first that the worker began, says how
	// far it is. It may be called at any time, from any goroutine.
	Fraction(number uint64, fraction float64)
}

// MaxCopied is the size to which a port copies payloads.
const MaxCopied = 2 << 20

// A Host is told by a Port what happens. All calls but Up come from one goroutine at a time.
type Host interface {
	// Up: the worker is there and has proved to be the right one.
	Up()
	// Result: the next element, in the order they began, has an outcome. An error means that the worker is mad.
	Result(status uint8, payload []byte) error
	// Results is Result for each of n elements that succeeded, whose payloads of size bytes lie one behind the other.
	Results(n, size int, payload []byte) error
	// Quiet: the port has looked, and there was no result. It may come while others look.
	Quiet()
	// Progress follows one or more Results, before Lost, or room that was made.
	Progress()
	// Lost: the worker has ended, and every Result it published has been reported. why is set if it never was Up, or
	// if the port gave it up. It is the last call.
	Lost(exit spawn.Exit, why error)
}
