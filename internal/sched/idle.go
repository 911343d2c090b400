package sched

// Idle reports whether a worker waits for elements.
func (s *Scheduler) Idle() bool { return len(s.idle) > 0 }
