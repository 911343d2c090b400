package sched

import (
	"cmp"
	"slices"
)

// A queue is jobs with elements waiting: the highest priority first, and among equals the one that is behind in its share of
// the workers' time. The zero value is empty.
type queue struct {
	levels []*level // by priority, the highest first; empty ones are dropped, but that of priority 0
	clock  float64  // where a new level begins
	count  uint64   // of jobs that came in
}

// A level is the jobs of one priority. Its clock is where a job would be that had always had its share: it goes on with the
// work that is finished, divided by the jobs there are. A job's own time is what it was given; who comes new, or back, starts no
// earlier than the clock.
type level struct {
	priority int
	clock    float64
	heap     []*Job // by what they were given
}

// level is that of a priority, nil if there is none.
func (q *queue) level(priority int) *level {
	for _, l := range q.levels {
		if l.priority == priority {
			return l
		}
	}
	return nil
}

// first is the job whose turn it is; nil if there is none.
func (q *queue) first() *Job {
	for _, l := range q.levels {
		if len(l.heap) > 0 {
			return l.heap[0]
		}
	}
	return nil
}

// put puts a job in that has elements, or finds it a new place.
func (q *queue) put(j *Job) {
	l := q.level(j.Priority)
	if l == nil {
		l = &level{priority: j.Priority, clock: q.clock}
		at, _ := slices.BinarySearchFunc(q.levels, j.Priority, func(l *level, p int) int { return cmp.Compare(p, l.priority) })
		q.levels = slices.Insert(q.levels, at, l)
	}
	if j.at == 0 {
		first := j
		if len(l.heap) > 0 {
			first = l.heap[0]
		}
		l.clock = max(l.clock, first.spent-first.out)
		j.spent = max(j.spent, l.clock)
		if j.since == 0 { // what comes back keeps its turn
			q.count++
			j.since = q.count
		}
		l.heap = append(l.heap, j)
		j.at = len(l.heap)
	}
	l.fix(j)
}

// remove takes a job out, if it is in.
func (q *queue) remove(j *Job) {
	if j.at == 0 {
		return
	}
	l := q.level(j.Priority)
	last := l.heap[len(l.heap)-1]
	l.heap[len(l.heap)-1] = nil
	l.heap = l.heap[:len(l.heap)-1]
	if last != j {
		last.at = j.at
		l.heap[j.at-1] = last
		l.fix(last)
	}
	j.at = 0
	if len(l.heap) == 0 && l.priority != 0 {
		q.clock = max(q.clock, l.clock)
		q.levels = slices.DeleteFunc(q.levels, func(x *level) bool { return x == l })
	}
}

// worked tells that work of a priority was done.
func (q *queue) worked(priority int, price float64) {
	if l := q.level(priority); l != nil {
		l.clock += price / float64(max(1, len(l.heap)))
	}
}

// before is the order of a level. Of equals, one that was given nothing yet comes first: a call does not wait for a map that goes on.
func before(a, b *Job) bool {
	if a.spent != b.spent {
		return a.spent < b.spent
	}
	if (a.given == 0) != (b.given == 0) {
		return a.given == 0
	}
	return a.since < b.since
}

// fix moves a job of the heap to where it belongs.
func (l *level) fix(j *Job) {
	i := j.at - 1
	for i > 0 && before(j, l.heap[(i-1)/2]) {
		l.set(i, l.heap[(i-1)/2])
		i = (i - 1) / 2
	}
	for {
		child := 2*i + 1
		if child+1 < len(l.heap) && before(l.heap[child+1], l.heap[child]) {
			child++
		}
		if child >= len(l.heap) || !before(l.heap[child], j) {
			break
		}
		l.set(i, l.heap[child])
		i = child
	}
	l.set(i, j)
}

func (l *level) set(i int, j *Job) {
	l.heap[i] = j
	j.at = i + 1
}
