package sched

import (
	"slices"
	"time"
)

// finish ends some elements of the batch at a worker's head.
func (m *model) finish() {
	w, ok := pick(m.rng, m.workers)
	if !ok || len(w.batches) == 0 {
		return
	}
	b := &w.batches[0]
	n := 1 + m.rng.IntN(b.N)
	m.settle(b.Job, Range{b.First, n})
	b.First += int64(n)
	b.N -= n
	if m.rng.IntN(4) == 0 {
		b.Job.Cost.Observe(n, time.Duration(m.rng.Int64N(1<<m.rng.IntN(24))))
	}
	m.s.Finished(w.w, n)
	if b.N == 0 {
		w.batches = slices.Delete(w.batches, 0, 1)
	}
}

// settle marks elements as gone.
func (m *model) settle(job *Job, r Range) {
	if j := m.find(job); j != nil {
		for i := r.First; i < r.First+int64(r.N); i++ {
			j.at[i] = gone
		}
	}
}

// giveBack returns elements, which a job that has ended does not take.
func (m *model) giveBack(job *Job, r Range) {
	m.s.Return(job, r)
	j := m.find(job)
	if j == nil || j.ended {
		return
	}
	for i := r.First; i < r.First+int64(r.N); i++ {
		j.at[i] = waiting
		j.returned[i]++
		j.back = append(j.back, i)
	}
	for _, k := range m.jobs {
		k.jumps++
	}
}

// takeBack takes the tail of a worker's last batch back.
func (m *model) takeBack() {
	w, ok := pick(m.rng, m.workers)
	if !ok || len(w.batches) == 0 {
		return
	}
	last := len(w.batches) - 1
	b := &w.batches[last]
	n := m.rng.IntN(b.N + 1)
	if n == 0 {
		return
	}
	b.N -= n
	r := Range{b.First + int64(b.N), n}
	job := b.Job
	if b.N == 0 {
		w.batches = w.batches[:last]
	}
	m.s.TakenBack(w.w, n)
	w.left += n
	m.giveBack(job, r)
}

// pass lets a worker have no room for anything, or hear of it again.
func (m *model) pass() {
	w, ok := pick(m.rng, m.workers)
	if !ok {
		return
	}
	if m.rng.IntN(3) == 0 {
		m.s.Finished(w.w, 0)
		w.passed = false
		return
	}
	m.s.Pass(w.w)
	w.passed = len(w.batches) == 0
}

func (m *model) anyIdle() bool {
	return slices.ContainsFunc(m.workers, (*modelWorker).idle)
}

// replace lets workers that may have nothing more leave, and others come.
func (m *model) replace() bool {
	n := len(m.workers)
	m.workers = slices.DeleteFunc(m.workers, func(w *modelWorker) bool {
		over := w.spent() && len(w.batches) == 0
		if over {
			m.s.Leave(w.w)
		}
		return over
	})
	replaced := n > len(m.workers)
	if replaced {
		m.join()
	}
	return replaced
}

// leave lets a worker die: the first of its elements had begun and fails, the others are returned.
func (m *model) leave() {
	if len(m.workers) == 0 {
		return
	}
	at := m.rng.IntN(len(m.workers))
	w := m.workers[at]
	m.workers = slices.Delete(m.workers, at, at+1)
	m.s.Leave(w.w)
	m.s.Leave(w.w) // a second time changes nothing
	for n, b := range w.batches {
		if n == 0 {
			m.settle(b.Job, Range{b.First, 1})
			b.First++
			b.N--
		}
		m.giveBack(b.Job, b.Range)
	}
	m.s.Finished(w.w, 1) // what comes too late counts nothing
	if m.s.Next(w.w, make([]Batch, 1)) != 0 {
		m.t.Error("a worker that has left was given work")
	}
}

func (m *model) end() {
	if len(m.jobs) == 0 {
		return
	}
	at := m.rng.IntN(len(m.jobs))
	j := m.jobs[at]
	want := m.waitingOf(j)
	if n := m.s.End(j.job); n != want {
		m.t.Errorf("End dropped %d elements, %d waited", n, want)
	}
	j.ended = true
	m.exactlyOnce(j)
	m.jobs = slices.Delete(m.jobs, at, at+1)
	// Whatever comes now changes nothing.
	m.s.Add(j.job, 5)
	m.s.Return(j.job, Range{0, 1})
	if n := m.s.End(j.job); n != 0 || j.job.Waiting() != 0 {
		m.t.Errorf("a second End dropped %d, %d wait", n, j.job.Waiting())
	}
}

// exactlyOnce checks that each element was handed out once, and once more for each time it was returned.
func (m *model) exactlyOnce(j *modelJob) {
	for i, at := range j.at {
		want := 1 + j.returned[i]
		if at == waiting {
			want--
		}
		if j.handed[i] != want {
			m.t.Errorf("element %d, at %d, was handed out %d times and returned %d times", i, at, j.handed[i], j.returned[i])
		}
	}
}

func (m *model) victim() {
	idle, most := m.anyIdle(), 0
	for _, w := range m.workers {
		most = max(most, w.inFlight())
	}
	v, n := m.s.Victim()
	want := idle && most > 1 && m.s.Waiting() == 0
	switch {
	case m.s.Starves() != (want || idle && m.s.Waiting() > 0):
		m.t.Errorf("it starves: %v, somebody idle %v, the most in flight %d, waiting %d", m.s.Starves(), idle, most, m.s.Waiting())
	case want != (v != nil):
		m.t.Errorf("victim %v: somebody idle %v, the most in flight %d, waiting %d", v, idle, most, m.s.Waiting())
	case v != nil && (v.InFlight() != most || n < 1 || n > most/2):
		m.t.Errorf("%d of %d elements from a victim, the most in flight is %d", n, v.InFlight(), most)
	}
}

// check compares what can be seen of the Scheduler with the model.
func (m *model) check() {
	total := int64(0)
	for _, j := range m.jobs {
		n := m.waitingOf(j)
		if j.job.Waiting() != n {
			m.t.Errorf("a job has %d elements waiting, want %d", j.job.Waiting(), n)
		}
		total += n
	}
	if m.s.Waiting() != total {
		m.t.Errorf("%d elements wait, want %d", m.s.Waiting(), total)
	}
	least := -1
	for _, w := range m.workers {
		n := w.inFlight()
		if w.w.InFlight() != n {
			m.t.Errorf("a worker has %d in flight, want %d", w.w.InFlight(), n)
		}
		if (n > 0 && !w.spent() || w.idle()) && (least < 0 || n < least) {
			least = n
		}
	}
	switch p := m.s.Pick(); {
	case (p == nil) != (least < 0):
		m.t.Errorf("picked %v of %d workers", p, len(m.workers))
	case p != nil && p.InFlight() != least:
		m.t.Errorf("picked a worker with %d in flight, one has %d", p.InFlight(), least)
	}
}

// drain runs what is left to its end: it must come.
func (m *model) drain() {
	m.join()
	for {
		moved := false
		for _, w := range m.workers {
			for m.nextFor(w) {
				moved = true
			}
		}
		for _, w := range m.workers {
			for _, b := range w.batches {
				m.settle(b.Job, b.Range)
				m.s.Finished(w.w, b.N)
				moved = true
			}
			w.batches = nil
		}
		moved = m.replace() || moved
		m.check()
		if !moved || m.t.Failed() {
			break
		}
	}
	if m.s.Waiting() != 0 {
		m.t.Errorf("%d elements are left", m.s.Waiting())
	}
	for _, j := range m.jobs {
		m.exactlyOnce(j)
		if n := m.waitingOf(j); n != 0 {
			m.t.Errorf("%d elements of a job are left", n)
		}
	}
}
