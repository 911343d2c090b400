package sched

import "slices"

// A Pin is what waits for one worker: that of a place, whoever it is, or the one that a lease holds.
type Pin struct {
	queue
	waiting int64 // elements
	index   int
	closed  bool
	worker  *Worker // of a lease
	heir    *Pin    // of a lease that was released

	Owner any // whose lease it is

	// Granted, for a lease, is called when it has its worker.
	Granted func()
}

// Worker is the worker of a lease; nil if it has none yet, or has lost it.
func (p *Pin) Worker() *Worker { return p.worker }

// Open makes a place known: a worker is there, or to come.
func (s *Scheduler) Open(index int) {
	for len(s.places) <= index {
		s.places = append(s.places, nil)
	}
	if s.places[index] == nil {
		s.places[index] = &Pin{index: index}
	}
}

// Shut forgets a place for which no worker is to come. What waits for it is for others, as the keys say.
func (s *Scheduler) Shut(index int) {
	if index >= len(s.places) || s.places[index] == nil {
		return
	}
	p := s.places[index]
	s.places[index], p.closed = nil, true
	s.empty(p, func(j *Job) *Pin { return s.Place(j.Key) })
}

// empty moves the jobs that wait in p.
func (s *Scheduler) empty(p *Pin, to func(*Job) *Pin) {
	for j := p.first(); j != nil; j = p.first() {
		p.remove(j)
		s.left(j, j.Waiting())
		j.Pin = to(j)
		s.wait(j, j.Waiting())
	}
}

// Place is the pin of a key: rendezvous hashing over the places there are, so that a place that comes or goes moves no keys but
// its own. It is nil if there is no place.
func (s *Scheduler) Place(key uint64) *Pin {
	var best *Pin
	most := uint64(0)
	for _, p := range s.places {
		if p == nil {
			continue
		}
		if x := mix(key ^ mix(uint64(p.index)+1)); best == nil || x > most {
			best, most = p, x
		}
	}
	return best
}

// mix is the finalizer of MurmurHash3 with the constants of Stafford's variant 13.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// WaitingForAny is the number of elements that any worker may run, and of leases that wait for one.
func (s *Scheduler) WaitingForAny() int64 { return s.waiting + int64(len(s.wanted)) }

// WaitingFor is the number of elements that wait for the worker of a place, whether there is one or not.
func (s *Scheduler) WaitingFor(index int) int64 {
	if index >= len(s.places) || s.places[index] == nil {
		return 0
	}
	return s.places[index].waiting
}

// Lease asks for a worker for p alone. It gets one that has nothing, now or the first that has: while somebody waits for that,
// nobody gets anything ahead, and what has not begun can be recalled.
func (s *Scheduler) Lease(p *Pin) {
	s.wanted = append(s.wanted, p)
	if n := len(s.idle); n > 0 {
		s.grant(s.idle[n-1])
	}
}

// grant gives a worker that has nothing to who has waited longest for one.
func (s *Scheduler) grant(w *Worker) {
	p := s.wanted[0]
	s.wanted = slices.Delete(s.wanted, 0, 1)
	s.unidle(w)
	w.lease, p.worker = p, w
	p.Granted()
}

// Release ends a lease, or the wait for one. What waits for its worker still does, and before what is for all.
func (s *Scheduler) Release(p *Pin) {
	p.closed = true
	s.wanted = slices.DeleteFunc(s.wanted, func(x *Pin) bool { return x == p })
	if w := p.worker; w != nil {
		p.worker, w.lease, p.heir = nil, nil, w.own
		s.empty(p, func(*Job) *Pin { return w.own })
		s.markIdle(w)
	}
}

// repin sees to it that the job's pin, if it has one, is one that has a worker, or will have one.
func (s *Scheduler) repin(j *Job) {
	for j.Pin != nil && j.Pin.closed {
		if j.Pin.heir != nil {
			j.Pin = j.Pin.heir
		} else {
			j.Pin = s.Place(j.Key)
		}
	}
}
