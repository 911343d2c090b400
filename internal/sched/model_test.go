package sched

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// where is the place of an element in the model.
type where int

const (
	nowhere where = iota
	waiting
	inFlight
	gone
)

// modelJob is what a Job should be.
type modelJob struct {
	job      *Job
	at       []where // by element
	handed   []int   // how often each was handed out
	returned []int   // how often each was returned
	back     []int64 // returned and waiting
	place    int     // whose worker gets it; -1: any
	lease    *Pin    // likewise
}

// modelWorker is what a Worker should hold: batches in the order in which it got them.
type modelWorker struct {
	w       *Worker
	batches []Batch
	begun   int  // of the elements, the first
	passed  bool // it could take nothing, and was not heard of since
	limited bool
	left    int // elements that it may be given, if limited
	lease   *Pin
}

func (w *modelWorker) spent() bool { return w.limited && w.left <= 0 && w.lease == nil }

func (w *modelWorker) inFlight() (n int) {
	for _, b := range w.batches {
		n += b.N
	}
	return n
}

// idle reports whether the worker has nothing and could take something of all.
func (w *modelWorker) idle() bool {
	return len(w.batches) == 0 && !w.passed && !w.spent() && w.lease == nil
}

// unbegun is the batches, or their parts, that have not begun.
func (w *modelWorker) unbegun() (list []Batch) {
	begun := w.begun
	for _, b := range w.batches {
		k := min(begun, b.N)
		begun -= k
		if b.N > k {
			list = append(list, Batch{b.Job, Range{b.First + int64(k), b.N - k}})
		}
	}
	return list
}

// model is a plain account of where each element is, to compare the Scheduler with.
type model struct {
	t       *testing.T
	rng     *rand.Rand
	s       Scheduler
	jobs    []*modelJob
	workers []*modelWorker
	leases  []*Pin // that wait or have a worker
	costs   []*Cost
	step    int
}

func (m *model) waitingOf(j *modelJob) (n int64) {
	for _, at := range j.at {
		if at == waiting {
			n++
		}
	}
	return n
}

// 100,000 random operations against the model. Each element is handed out once, and once more for each time it was
// returned; nothing is lost, nothing is handed out after End, whoever has nothing gets something; what is pinned or leased goes where
// it belongs; a higher priority is handed out first, and nothing lower is in front of it.
func TestAgainstModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	steps := 100_000
	if testing.Short() {
		steps = 10_000
	}
	m := &model{t: t, rng: rand.New(rand.NewPCG(seed, 0)), costs: []*Cost{{}, {}, {}}}
	for i := range maxWorkers {
		m.s.Open(i)
	}
	for m.step = range steps {
		switch m.rng.IntN(24) {
		case 0:
			m.newJob()
		case 1, 2, 3:
			m.add()
		case 4, 5, 6, 7, 8, 9:
			m.next()
		case 10, 11, 12, 13:
			m.finish()
		case 14:
			m.takeBack()
		case 15:
			m.replace()
			m.join()
			m.pass()
		case 16:
			if m.rng.IntN(3) == 0 {
				m.leave()
			}
		case 17:
			if m.rng.IntN(2) == 0 {
				m.end()
			}
		case 18:
			m.begin()
		case 19:
			if m.rng.IntN(4) == 0 {
				m.lease()
			} else {
				m.release()
			}
		case 20:
			m.settled()
		default:
			m.recall()
		}
		m.check()
		if t.Failed() {
			t.Fatalf("at step %d", m.step)
		}
	}
	m.drain()
}

func pick[T any](rng *rand.Rand, list []T) (x T, ok bool) {
	if len(list) == 0 {
		return x, false
	}
	return list[rng.IntN(len(list))], true
}

// maxJobs and maxWorkers are how many there are at a time.
const (
	maxJobs    = 8
	maxWorkers = 5
)

func (m *model) newJob() {
	if len(m.jobs) >= maxJobs {
		return
	}
	cost, _ := pick(m.rng, m.costs)
	j := &modelJob{job: &Job{Cost: cost}, place: -1}
	if m.rng.IntN(3) == 0 {
		j.job.Chunk, j.job.Whole = 1+m.rng.IntN(20), m.rng.IntN(2) == 0
	}
	if m.rng.IntN(3) == 0 {
		j.job.Priority = m.rng.IntN(5) - 2
	}
	switch m.rng.IntN(5) {
	case 0:
		j.job.Key = m.rng.Uint64()
		j.job.Pin = m.s.Place(j.job.Key)
		j.place = j.job.Pin.index
	case 1:
		if l, ok := pick(m.rng, m.leases); ok && l.Worker() != nil {
			j.lease, j.job.Pin = l, l
		}
	}
	m.jobs = append(m.jobs, j)
}

func (m *model) add() {
	j, ok := pick(m.rng, m.jobs)
	if !ok || len(j.at) > 2000 {
		return
	}
	n := 1 + m.rng.IntN(1<<m.rng.IntN(9))
	m.s.Add(j.job, int64(n))
	j.at = append(j.at, slices.Repeat([]where{waiting}, n)...)
	j.handed = append(j.handed, make([]int, n)...)
	j.returned = append(j.returned, make([]int, n)...)
}

// join lets a worker come to a place that has none.
func (m *model) join() {
	index := 0
	for slices.ContainsFunc(m.workers, func(w *modelWorker) bool { return w.w.Index == index }) {
		index++
	}
	if index >= maxWorkers {
		return
	}
	w := &modelWorker{w: &Worker{Index: index}}
	w.w.Owner = w
	if m.rng.IntN(2) == 0 {
		w.limited, w.left = true, 1+m.rng.IntN(1<<m.rng.IntN(8))
		w.w.Limit(int64(w.left))
	}
	if m.s.Next(w.w, make([]Batch, 1)) != 0 {
		m.t.Error("a worker that is not ready was given work")
	}
	m.workers = append(m.workers, w)
	m.s.Join(w.w)
}

func (m *model) find(j *Job) *modelJob {
	for _, k := range m.jobs {
		if k.job == j {
			return k
		}
	}
	return nil
}

func (m *model) next() {
	w, ok := pick(m.rng, m.workers)
	if ok {
		m.nextFor(w)
	}
}

// may reports whether w may run elements of j at all.
func (w *modelWorker) may(j *modelJob) bool {
	switch {
	case j.lease != nil || w.lease != nil:
		return j.lease == w.lease
	case j.place >= 0:
		return j.place == w.w.Index
	default:
		return true
	}
}

// highest is the highest priority of what waits and w may run.
func (m *model) highest(w *modelWorker) (p int, some bool) {
	for _, j := range m.jobs {
		if w.may(j) && m.waitingOf(j) > 0 && (!some || j.job.Priority > p) {
			p, some = j.job.Priority, true
		}
	}
	return p, some
}

// nextFor lets a worker have its next batches, and reports whether there were any.
func (m *model) nextFor(w *modelWorker) bool {
	list := make([]Batch, 1+m.rng.IntN(20))
	n := m.s.Next(w.w, list)
	for i, b := range list[:n] {
		if i == n-1 {
			m.checkSize(w, b)
		}
		m.handOut(w, b)
	}
	return n > 0
}

// handOut notes that a worker was given a batch, and checks that it may have it.
func (m *model) handOut(w *modelWorker, b Batch) {
	j := m.find(b.Job)
	switch {
	case j == nil:
		m.t.Errorf("%+v is of a job that has ended", b)
		return
	case !w.may(j):
		m.t.Errorf("the worker of place %d, lease %p, got something of place %d, lease %p", w.w.Index, w.lease, j.place, j.lease)
	case w.lease == nil && m.wanted():
		m.t.Error("a worker got something while somebody waits for a lease")
	}
	if p, some := m.highest(w); !some || p > b.Job.Priority {
		m.t.Errorf("priority %d was handed out before %d", b.Job.Priority, p)
	}
	m.checkAhead(w, j)
	if len(j.back) > 0 && b.First != slices.Min(j.back) {
		m.t.Errorf("element %d was handed out before %d, which was returned", b.First, slices.Min(j.back))
	}
	for i := b.First; i < b.First+int64(b.N); i++ {
		if i >= int64(len(j.at)) || j.at[i] != waiting {
			m.t.Errorf("element %d was handed out and did not wait", i)
			return
		}
		j.at[i] = inFlight
		j.handed[i]++
		if at := slices.Index(j.back, i); at >= 0 {
			j.back = slices.Delete(j.back, at, at+1)
		}
	}
	w.batches = append(w.batches, b)
	w.begun = max(1, w.begun)
	if w.left -= b.N; w.limited && w.left < 0 && w.lease == nil {
		m.t.Errorf("a worker got %d elements more than it may have", -w.left)
	}
}

// checkAhead checks that nobody who should have it sooner is passed over.
func (m *model) checkAhead(w *modelWorker, j *modelJob) {
	if j.place < 0 && w.lease == nil && len(w.batches) > 0 && m.anyIdle() {
		m.t.Error("a worker got more while another had none")
	}
	if u := w.unbegun(); len(u) > 0 && u[len(u)-1].Job.Priority < j.job.Priority {
		m.t.Errorf("priority %d was put behind %d", j.job.Priority, u[len(u)-1].Job.Priority)
	}
	if w.lease != nil {
		return
	}
	for _, v := range m.workers {
		for _, b := range v.unbegun() {
			if k := m.find(b.Job); k != nil && k.place < 0 && k.lease == nil && k.job.Priority > j.job.Priority && v.w.begun == v.begun {
				m.t.Errorf("priority %d was handed out while %d waited at another worker", j.job.Priority, k.job.Priority)
			}
		}
	}
}

// checkSize checks the last batch that a worker was given.
func (m *model) checkSize(w *modelWorker, b Batch) {
	j := m.find(b.Job)
	if j == nil {
		return
	}
	most := b.Job.Estimate()
	if left := m.waitingOf(j) / int64(2*len(m.workers)); b.Job.Chunk == 0 && b.Job.Pin == nil {
		most = min(most, int(max(1, left)))
	}
	if b.N < 1 || b.N > most {
		m.t.Errorf("%d elements in a batch that may have %d", b.N, most)
	}
	if n := w.inFlight() + b.N; n > max(minWindow, 2*most) && w.w.load > float64(windowTarget)*1.001 {
		m.t.Errorf("a worker has %d elements in flight, of %v", n, time.Duration(w.w.load))
	}
}
