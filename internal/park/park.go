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

	"github.com/go-multiproc/mp/internal/osenv"
)

const (
	maxPauses    = 32 // rounds of pausesPerRound: about 2 µs
	pauseRound   = 4
	maxYields    = 64 // about 50 µs when nobody else wants the CPU
	probePeriod  = 32 // with a spent budget, so seldom is yielding tried again
	initialYield = 16
)

// A Spinner is the adaptive part of waiting. The zero value is ready. Not safe for concurrent use.
type Spinner struct {
	pauses, yields int
	started        bool
	single         bool // one P: what is awaited may need it. With more, Gosched would wake an idle one each time, which costs a wake-up
	misses         int
}

// Spin waits until ready reports true and returns true, or false when its budget is spent: then the caller sleeps.
func (s *Spinner) Spin(ready func() bool) bool {
	if !s.started {
		s.started, s.pauses, s.yields = true, maxPauses, initialYield
		s.single = runtime.GOMAXPROCS(0) == 1
	}
	for range s.pauses {
		if ready() {
			s.pauses = min(2*s.pauses, maxPauses)
			return true
		}
		osenv.Pause(pauseRound)
	}
	for range s.yields {
		if ready() {
			s.yields = min(2*s.yields, maxYields)
			s.pauses = max(s.pauses/2, 1)
			return true
		}
		osenv.Yield()
		if s.single {
			runtime.Gosched()
		}
	}
	s.misses++
	s.pauses = max(s.pauses/2, 1)
	s.yields /= 2
	if s.yields == 0 && s.misses%probePeriod == 0 {
		s.yields = initialYield
	}
	return ready()
}
