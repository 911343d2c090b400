package sched

// Next hands batches to w: as many as list has room for, but none if none waits, w has enough, or another is to have it. It returns how
// many it handed out.
func (s *Scheduler) Next(w *Worker, list []Batch) int {
	n := 0
	for n < len(list) && s.next(w, &list[n]) {
		n++
	}
	return n
}

func (s *Scheduler) next(w *Worker, b *Batch) bool {
	j, n := s.offer(w)
	if j == nil {
		return false
	}
	b.Job, b.Range = j, j.take(n)
	s.left(j, int64(b.N))
	price := j.Cost.price()
	w.left -= int64(b.N)
	w.sated = false
	w.push(j, b.N, price)
	s.rank(j, b.N)
	s.unidle(w)
	j.spent += float64(b.N) * price
	if q := s.queueOf(j); j.Waiting() == 0 {
		q.remove(j)
	} else {
		q.put(j)
	}
	return true
}

// turn is the job whose turn it is on w; nil if there is none.
func (s *Scheduler) turn(w *Worker) *Job {
	if w.lease != nil {
		return w.lease.first()
	}
	own, shared := w.own.first(), s.shared.first()
	if own != nil && (shared == nil || own.Priority >= shared.Priority) {
		return own
	}
	return shared
}

// offer is the job of which w is to get elements now, and how many at most; nil if none.
func (s *Scheduler) offer(w *Worker) (*Job, int) {
	if !w.ready || w.spent() || (len(s.wanted) > 0 && w.lease == nil) {
		return nil, 0
	}
	j := s.turn(w)
	switch {
	case j == nil:
	case w.unbegun() > 0 && w.ahead() < j.Priority: // that must not be in front: it is recalled first
	case j.Pin == nil && w.inFlight > 0 && len(s.idle) > 0: // it is theirs
	case w.lease == nil && s.outranked(j.Priority):
	default:
		n := s.size(j)
		if w.limited && w.lease == nil {
			n = int(min(int64(n), w.left))
		}
		if s.hasRoom(w, j, n) {
			return j, n
		}
	}
	return nil, 0
}

// outranked reports whether somebody has an element of a higher priority that has not begun: whoever is free sooner is to have that, and
// nothing lower in front of it.
func (s *Scheduler) outranked(priority int) bool {
	if s.ranked == 0 && priority >= 0 {
		return false
	}
	for _, w := range s.workers {
		if w.movable() > 0 && w.ahead() > priority {
			return true
		}
	}
	return false
}

// size is how many elements of j make a batch now: about a millisecond of work, and never more than a share of what
// is left that gives every worker some.
func (s *Scheduler) size(j *Job) int {
	if j.Chunk > 0 {
		return int(min(int64(j.chunk()), j.Waiting()))
	}
	share := j.Waiting()
	if j.Pin == nil {
		share /= int64(2 * len(s.workers))
	}
	return int(max(1, min(int64(j.Cost.fits(batchTarget, 1, maxBatch)), share)))
}

// hasRoom reports whether w may have n elements of j more: it may have some milliseconds of work in flight, and at least two
// batches.
func (s *Scheduler) hasRoom(w *Worker, j *Job, n int) bool {
	if s.OneAtATime {
		return w.inFlight == 0
	}
	few := 2 * n
	if j.Chunk > 0 {
		few = 2 * j.chunk()
	}
	if w.inFlight+n <= max(minWindow, few) {
		return true
	}
	// Topped up a quarter at a time: each message by itself would cost a look at everything for one element.
	load := w.load
	if w.sated {
		load += float64(windowTarget) / 4
	}
	w.sated = w.inFlight+n > maxWindow || load+float64(n)*j.Cost.price() > float64(windowTarget)
	return !w.sated
}

// Pick returns the worker that should get what waits: one without work, else the one with the least, if it may have more; nil if
// there is none.
func (s *Scheduler) Pick() *Worker {
	if n := len(s.idle); n > 0 && s.waiting > 0 {
		if j, _ := s.offer(s.idle[n-1]); j != nil {
			return s.idle[n-1]
		}
	}
	if s.Waiting() == 0 {
		return nil
	}
	var best *Worker
	for _, w := range s.workers {
		if w.passed || (best != nil && w.inFlight >= best.inFlight) {
			continue
		}
		if j, _ := s.offer(w); j != nil {
			best = w
		}
	}
	return best
}
