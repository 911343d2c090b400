// Package park decides how to wait for another process: a few microseconds of pause instructions, then some tens of
// microseconds of giving the CPU to whoever can use it, and only then the kernel.
//
// The first catches a peer that answers at once. The second keeps a virtual CPU from halting: to wake a halted one
// costs about 35 µs, a wake on the same CPU 4 µs, an answer without any sleep 0.3 µs. Both are guesses about the
// peer, so both budgets adapt: they halve when they were spent for nothing and double when they paid. A machine with
// more to run than it has CPUs drives them to the minimum, where waiting costs a few hundred nanoseconds.
//
// The sleep itself belongs to the caller, with one rule: the word that says "I sleep" is the word that is slept on.
// A waiter that sleeps on the position, and a waker that clears a flag beside it, lose a wake-up within minutes:
// the clear that belongs to one sleep can hit the flag of the next.
package park

import (
	"runtime"
	"time"

	"github.com/go-multiproc/mp/internal/osenv"
)

const (
	maxPauses  = 32 // rounds of pauseRound: about 2 µs
	pauseRound = 4
	yieldRound = 4 // yields between two looks at the clock

	// DefaultPatience is for who serves; who waits for one answer and has nothing else to do may have more.
	DefaultPatience = 50 * time.Microsecond
	minPatience     = 2 * time.Microsecond // below it, yielding is not tried
	probePeriod     = 16                   // but every so often
)

// A Spinner is the adaptive part of waiting. The zero value is ready. Not safe for concurrent use.
type Spinner struct {
	Patience time.Duration // the longest time to yield. Defaults to DefaultPatience.

	pauses  int
	yield   time.Duration
	started bool
	single  bool // one P: what is awaited may need it. With more, Gosched would wake an idle one each time, which costs a wake-up
	misses  int
}

// Spin waits until ready reports true and returns true, or false when its budget is spent: then the caller sleeps.
func (s *Spinner) Spin(ready func() bool) bool {
	if !s.started {
		if s.Patience == 0 {
			s.Patience = DefaultPatience
		}
		s.started, s.pauses, s.yield = true, maxPauses, s.Patience
		s.single = runtime.GOMAXPROCS(0) == 1
	}
	for range s.pauses {
		if ready() {
			s.pauses = min(2*s.pauses, maxPauses)
			return true
		}
		osenv.Pause(pauseRound)
	}
	if s.yield >= minPatience && s.yields(ready) {
		s.yield = min(2*s.yield, s.Patience)
		s.pauses = max(s.pauses/2, 1)
		return true
	}
	s.misses++
	s.pauses = max(s.pauses/2, 1)
	s.yield /= 2
	if s.yield < minPatience && s.misses%probePeriod == 0 {
		s.yield = s.Patience
	}
	return ready()
}

func (s *Spinner) yields(ready func() bool) bool {
	for begun := time.Now(); ; {
		for range yieldRound {
			if ready() {
				return true
			}
			osenv.Yield()
			if s.single {
				runtime.Gosched()
			}
		}
		if time.Since(begun) > s.yield {
			return ready()
		}
	}
}
