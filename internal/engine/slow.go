package engine

import "time"

// Slow is an element that took long.
type Slow struct {
	Function string
	Index    int64
	Argument string
	Worker   int
	PID      int
	Duration time.Duration
	Ended    time.Time
}

// maxSlow is how many of the slowest elements are kept.
const maxSlow = 10

// isSlow reports whether an element with this duration is among the slowest. Call it with mu.
func (e *Engine) isSlow(d time.Duration) bool {
	return len(e.books.slow) < maxSlow || d > e.books.slow[maxSlow-1].Duration
}

// slow enters an element among the slowest.
func (e *Engine) slow(j *Job, s Slow) {
	s.Function, s.Argument = j.Function, j.describe(s.Index)
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.books.slow
	at := len(list)
	for at > 0 && list[at-1].Duration < s.Duration {
		at--
	}
	if at == maxSlow {
		return // others came first meanwhile
	}
	if len(list) < maxSlow {
		list = append(list, Slow{})
	}
	copy(list[at+1:], list[at:])
	list[at] = s
	e.books.slow = list
}

// describe is a text of the argument of an element; none if it cannot be had any more. The argument is encoded once more, for
// it is the caller's, and only its copy can be looked at when the caller may do so too.
func (j *Job) describe(i int64) string {
	switch {
	case j.Show == nil:
		return ""
	case j.Arg != nil:
		return j.Show(j.Arg)
	}
	j.encoding.RLock()
	defer j.encoding.RUnlock()
	if j.ended.Load() {
		return ""
	}
	again := j.Again
	if again == nil {
		again = func(i int64) ([]byte, error) { return j.Encode(nil, i) }
	}
	arg, err := again(i)
	if err != nil {
		return ""
	}
	return j.Show(arg)
}
