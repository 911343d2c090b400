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
	m.finishSome(w, 1+m.rng.IntN(w.batches[0].N))
}

func (m *model) finishSome(w *modelWorker, n int) {
	b := &w.batches[0]
	job := b.Job
	m.settle(job, Range{b.First, n})
	b.First += int64(n)
	if b.N -= n; b.N == 0 {
		w.batches = slices.Delete(w.batches, 0, 1)
	}
	w.begun = max(w.begun-n, min(1, len(w.batches)))
	w.passed = false
	took := time.Duration(0)
	if m.rng.IntN(4) == 0 {
		took = time.Duration(m.rng.Int64N(1 << m.rng.IntN(24)))
	}
	m.s.Finished(w.w, n, took)
}

// begin lets a worker begin some of what it has, of which the Scheduler knows nothing.
func (m *model) begin() {
	if w, ok := pick(m.rng, m.workers); ok && len(w.batches) > 0 {
		w.begun = min(w.inFlight(), w.begun+m.rng.IntN(4))
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
	if j == nil {
		return
	}
	for i := r.First; i < r.First+int64(r.N); i++ {
		j.at[i] = waiting
		j.returned[i]++
		j.back = append(j.back, i)
	}
}

// takeBack takes the tail of a worker's last batch back.
func (m *model) takeBack() {
	w, ok := pick(m.rng, m.workers)
	if !ok {
		return
	}
	if u := w.unbegun(); len(u) > 0 {
		m.takeLast(w, m.rng.IntN(u[len(u)-1].N+1), true)
	}
}

// takeLast takes n elements back that have not begun, the last first, and returns how many those were.
func (m *model) takeLast(w *modelWorker, n int, pinned bool) (got int) {
	u := w.unbegun()
	for at := len(u) - 1; at >= 0 && got < n; at-- {
		j := u[at].Job
		if k := m.find(j); !pinned && k != nil && (k.place >= 0 || k.lease != nil) {
			continue
		}
		k := min(n-got, u[at].N)
		got += k
		b := &w.batches[len(w.batches)-len(u)+at]
		b.N -= k
		r := Range{b.First + int64(b.N), k}
		w.left += k
		m.s.TakenBack(w.w, j, k)
		m.giveBack(j, r)
	}
	w.batches = slices.DeleteFunc(w.batches, func(b Batch) bool { return b.N == 0 })
	return got
}

// recall does what the Scheduler wants, as far as it can be done.
func (m *model) recall() bool {
	r := m.s.Recall()
	if r.Worker == nil {
		return false
	}
	w := r.Owner.(*modelWorker)
	if r.N < 1 || r.N > r.unbegun() {
		m.t.Errorf("%d elements are to be recalled of %d", r.N, r.unbegun())
	}
	if m.takeLast(w, r.N, r.Pinned) == 0 {
		if w.begun == w.w.begun {
			m.t.Errorf("%+v is to be recalled of a worker that can give nothing", r)
		}
		m.s.Begun(w.w, w.begun)
	}
	return true
}

// settled moves everything that can be moved, as the engine does: then nobody is without work that he could have, and nothing that
// has not begun is in the way.
func (m *model) settled() {
	for steps := 0; ; steps++ {
		if steps > 100_000 {
			m.t.Error("it does not settle")
			return
		}
		if p := m.s.Pick(); p != nil {
			if w := p.Owner.(*modelWorker); !m.nextFor(w) {
				m.t.Errorf("a worker with %d in flight was picked, and gets nothing", p.InFlight())
				return
			}
		} else if !m.recall() {
			break
		}
		if m.t.Failed() {
			return
		}
	}
	for _, w := range m.workers {
		p, some := m.highest(w)
		if w.lease == nil && m.wanted() {
			some = false
		}
		if some && len(w.batches) == 0 && !w.passed && !w.spent() {
			m.t.Errorf("something of priority %d waits and a worker that could have it has none", p)
		}
		for _, b := range w.unbegun() {
			k := m.find(b.Job)
			if k == nil {
				continue
			}
			if some && p > b.Job.Priority {
				m.t.Errorf("priority %d is in front of %d", b.Job.Priority, p)
			}
			if k.place < 0 && k.lease == nil && m.anyIdle() {
				m.t.Error("a worker has something that has not begun, and another has none")
			}
		}
	}
}

// pass lets a worker have no room for anything, or hear of it again.
func (m *model) pass() {
	w, ok := pick(m.rng, m.workers)
	if !ok {
		return
	}
	if m.rng.IntN(3) == 0 {
		w.passed = false
		m.s.Finished(w.w, 0, 0)
		return
	}
	m.s.Pass(w.w)
	w.passed = true
}

func (m *model) anyIdle() bool {
	return slices.ContainsFunc(m.workers, (*modelWorker).idle)
}

// wanted reports whether somebody waits for a lease.
func (m *model) wanted() bool {
	return slices.ContainsFunc(m.leases, func(l *Pin) bool { return l.Worker() == nil })
}

// lease asks for a worker.
func (m *model) lease() {
	if len(m.leases) > 2 {
		return
	}
	l := &Pin{}
	l.Granted = func() {
		w := l.Worker().Owner.(*modelWorker)
		if len(w.batches) > 0 || w.passed || w.spent() || w.lease != nil {
			m.t.Errorf("a worker was leased that is not free: %+v", w)
		}
		for _, x := range m.leases {
			if x == l {
				break
			}
			if x.Worker() == nil {
				m.t.Error("a lease was granted before an earlier one")
			}
		}
		w.lease = l
	}
	m.leases = append(m.leases, l)
	m.s.Lease(l)
}

// release gives one up, or the wait for it. What was still to run on the worker still is, or on its successor.
func (m *model) release() {
	l, ok := pick(m.rng, m.leases)
	if !ok {
		return
	}
	m.leases = slices.DeleteFunc(m.leases, func(x *Pin) bool { return x == l })
	if l.Worker() != nil {
		w := l.Worker().Owner.(*modelWorker)
		w.lease = nil
		for _, j := range m.jobs {
			if j.lease == l {
				j.lease, j.place = nil, w.w.Index
			}
		}
	}
	m.s.Release(l)
	m.s.Release(l)
}

// replace lets workers that may have nothing more leave, and others come.
func (m *model) replace() bool {
	n, replaced := len(m.workers), false
	m.workers = slices.DeleteFunc(m.workers, func(w *modelWorker) bool {
		over := w.spent() && len(w.batches) == 0
		if over {
			m.s.Leave(w.w)
		}
		return over
	})
	for range n - len(m.workers) {
		m.join()
		replaced = true
	}
	return replaced
}

// leave lets a worker die: the first of its elements had begun and fails, the others are returned, and so do the jobs of who leased it.
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
	m.s.Finished(w.w, 1, 0) // what comes too late counts nothing
	if m.s.Next(w.w, make([]Batch, 1)) != 0 {
		m.t.Error("a worker that has left was given work")
	}
	if w.lease == nil {
		return
	}
	if w.lease.Worker() != nil {
		m.t.Error("a lease has a worker that is gone")
	}
	m.leases = slices.DeleteFunc(m.leases, func(x *Pin) bool { return x == w.lease })
	for _, j := range slices.Clone(m.jobs) {
		if j.lease == w.lease {
			m.endJob(j)
		}
	}
}

func (m *model) end() {
	if j, ok := pick(m.rng, m.jobs); ok {
		m.endJob(j)
	}
}

func (m *model) endJob(j *modelJob) {
	want := m.waitingOf(j)
	if n := m.s.End(j.job); n != want {
		m.t.Errorf("End dropped %d elements, %d waited", n, want)
	}
	m.exactlyOnce(j)
	m.jobs = slices.DeleteFunc(m.jobs, func(x *modelJob) bool { return x == j })
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
	ranked := 0
	for _, w := range m.workers {
		n, loose := w.inFlight(), 0
		for _, b := range w.batches {
			if b.Job.Pin == nil {
				loose += b.N
			}
			if b.Job.Priority != 0 {
				ranked += b.N
			}
		}
		if w.w.InFlight() != n || w.w.loose != loose {
			m.t.Errorf("a worker has %d in flight, %d for others, want %d, %d", w.w.InFlight(), w.w.loose, n, loose)
		}
		if w.w.begun > w.begun || w.w.begun < min(1, n) {
			m.t.Errorf("%d elements are thought to have begun, %d have", w.w.begun, w.begun)
		}
		if w.w.Lease() != w.lease {
			m.t.Errorf("a worker has lease %p, want %p", w.w.Lease(), w.lease)
		}
	}
	if m.s.ranked != ranked {
		m.t.Errorf("%d elements in flight have a priority, want %d", m.s.ranked, ranked)
	}
}

// drain runs what is left to its end: it must come.
func (m *model) drain() {
	for len(m.leases) > 0 {
		m.release()
	}
	for range maxWorkers {
		m.join()
	}
	for {
		m.settled()
		moved := false
		for _, w := range m.workers {
			for len(w.batches) > 0 {
				m.finishSome(w, w.batches[0].N)
				moved = true
			}
			if w.passed {
				m.s.Finished(w.w, 0, 0)
				w.passed, moved = false, true
			}
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
