package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// A fault is something that goes wrong, and a line of the table of faults.
type fault struct {
	name, what string
	// slow ones cost Python the limit, again and again: they are left out of a short run.
	slow bool
	ours func(limit time.Duration) (fate, error)
}

// faultElements is how many elements a pool of two workers has when the fault comes to one of them; each takes 50 ms.
const (
	faultElements = 8
	faultVictim   = 2
	faultWork     = 50 * time.Millisecond
	faultGiven    = time.Second // what the caller gives an endless element
	faultMemory   = 256 << 20   // what a worker may have, where memory is limited
)

// A fate is what became of a pool and those who called it, as faults.py prints it.
type fate struct {
	OK, Failed, None int     // elements; None of them have no answer
	Seconds          float64 // from the fault to the answer, if there was one
	Usable, Ends     bool    // a call after it has its result; the pool can be ended
	Lives            bool    // a worker that nobody waits for any more runs on
	Text             string  // instead of most of it
}

func (f fate) String() string {
	if f.Text != "" {
		return f.Text
	}
	var s string
	switch {
	case f.None == faultElements:
		s = "**hangs**: no element gets an answer"
	case f.None == 1:
		s = "**hangs**: the element never gets an answer"
	case f.None > 1:
		s = fmt.Sprintf("**hangs**: %d of %d elements never get an answer", f.None, faultElements)
	case f.Failed == 0:
		s = "nothing is lost"
	case f.Failed == 1:
		s = "one element fails"
	case f.Failed == faultElements:
		s = "everything fails"
	default:
		s = fmt.Sprintf("%d of %d elements fail", f.Failed, faultElements)
	}
	if f.Lives {
		s += "; its worker runs on"
	}
	if !f.Usable {
		s += "; no later call works"
	}
	if !f.Ends {
		s += "; it cannot be ended"
	}
	return s
}

// fates are those of all rounds.
type fates []fate

// outcome is what became of it; if that differed, how often each.
func (f fates) outcome() string {
	count := make(map[string]int)
	for _, one := range f {
		count[one.String()]++
	}
	texts := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(count[b]-count[a], cmp.Compare(a, b))
	})
	out := ""
	for i, text := range texts {
		if i > 0 {
			out += "; or "
		}
		out += text
		if len(texts) > 1 {
			out += fmt.Sprintf(" (%d of %d)", count[text], len(f))
		}
	}
	return out
}

// answer is the time to the answer: the median and the worst. It is empty if there was ever none.
func (f fates) answer() string {
	var times []float64
	for _, one := range f {
		if one.None > 0 {
			return ""
		}
		times = append(times, one.Seconds)
	}
	if len(times) == 1 {
		return seconds(times[0])
	}
	return fmt.Sprintf("%s, worst %s", seconds(median(times)), seconds(slices.Max(times)))
}
