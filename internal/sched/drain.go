package sched

// Drain takes everything of j that waits, the lowest first: it is the caller's to end. What is in flight stays so.
func (s *Scheduler) Drain(j *Job) []Range {
	ranges := j.back
	for next := j.next; next < j.end; {
		r := Range{next, int(min(j.end-next, 1<<30))}
		ranges = append(ranges, r)
		next += int64(r.N)
	}
	ended := j.ended
	s.End(j)
	j.ended = ended
	return ranges
}
