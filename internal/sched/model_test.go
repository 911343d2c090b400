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
	ended    bool
	missed   int // turns of others since it waits
	jumps    int // returns since then: those may go before it
}

// modelWorker is what a Worker should hold: batches in the order in which it got them.
type modelWorker struct {
	w       *Worker
	batches []Batch
	passed  bool // it could take nothing, and was not heard of since
	limited bool
	left    int // elements that it may be given, if limited
}

func (w *modelWorker) spent() bool { return w.limited && w.left == 0 }

func (w *modelWorker) inFlight() (n int) {
	for _, b := range w.batches {
		n += b.N
	}
	return n
}

// idle reports whether the worker has nothing and could take something.
func (w *modelWorker) idle() bool { return len(w.batches) == 0 && !w.passed && !w.spent() }

// model is a plain account of where each element is, to compare the Scheduler with.
type model struct {
	t       *testing.T
	rng     *rand.Rand
	s       Scheduler
	jobs    []*modelJob
	workers []*modelWorker
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
// returned; nothing is lost, nothing is handed out after End, whoever has nothing gets something.
func TestAgainstModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	steps := 100_000
	if testing.Short() {
		steps = 10_000
	}
	m := &model{t: t, rng: rand.New(rand.NewPCG(seed, 0)), costs: []*Cost{{}, {}, {}}}
	for m.step = range steps {
		switch m.rng.IntN(20) {
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
		default:
			m.victim()
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

func (m *model) newJob() {
	if len(m.jobs) >= maxJobs {
		return
	}
	cost, _ := pick(m.rng, m.costs)
	chunk := 0
	if m.rng.IntN(3) == 0 {
		chunk = 1 + m.rng.IntN(20)
	}
	m.jobs = append(m.jobs, &modelJob{job: &Job{Cost: cost, Chunk: chunk}})
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

func (m *model) join() {
	if len(m.workers) >= 5 {
		return
	}
	w := &modelWorker{w: new(Worker)}
	if m.rng.IntN(2) == 0 {
		w.limited, w.left = true, 1+m.rng.IntN(1<<m.rng.IntN(8))
		w.w.Limit(int64(w.left))
	}
	if m.s.Next(w.w, make([]Batch, 1)) != 0 {
		m.t.Error("a worker that is not ready was given work")
	}
	m.s.Join(w.w)
	m.workers = append(m.workers, w)
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

// nextFor lets a worker have its next batches, and reports whether there were any.
func (m *model) nextFor(w *modelWorker) bool {
	before, held := m.s.Waiting(), w.inFlight()
	list := make([]Batch, 1+m.rng.IntN(20))
	n := m.s.Next(w.w, list)
	if n == 0 && before > 0 && held == 0 && !w.spent() {
		m.t.Errorf("%d elements wait and a worker without any gets none", before)
	}
	for _, b := range list[:n] {
		m.handOut(w, b)
	}
	return n > 0
}

// handOut notes that a worker was given a batch, and checks that it may have it.
func (m *model) handOut(w *modelWorker, b Batch) {
	held := w.inFlight()
	if held > 0 && m.anyIdle() {
		m.t.Error("a worker got more while another had none")
	}
	w.passed = false
	j := m.find(b.Job)
	if j == nil || j.ended {
		m.t.Errorf("%+v is of a job that has ended", b)
		return
	}
	most := j.job.Estimate()
	if j.job.Chunk == 0 {
		most = min(most, int(max(1, m.waitingOf(j)/int64(2*len(m.workers)))))
	}
	if b.N < 1 || b.N > most {
		m.t.Errorf("%d elements in a batch that may have %d", b.N, most)
	}
	if limit := max(j.job.Cost.fits(windowTarget, minWindow, maxWindow), 2*most); held > 0 && held+b.N > limit {
		m.t.Errorf("a worker has %d elements in flight, its window is %d", held+b.N, limit)
	}
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
	if w.left -= b.N; w.limited && w.left < 0 {
		m.t.Errorf("a worker got %d elements more than it may have", -w.left)
	}
	m.turn(j)
}

// maxJobs is how many there are at a time.
const maxJobs = 6

// turn notes that a job had one: nobody who waits is passed over more than once by each other job, but by those that a
// return puts to the front.
func (m *model) turn(served *modelJob) {
	for _, j := range m.jobs {
		if j == served || m.waitingOf(j) == 0 {
			j.missed, j.jumps = 0, 0
			continue
		}
		if j.missed++; j.missed >= maxJobs+j.jumps {
			m.t.Errorf("a job with %d elements waiting was passed over %d times", m.waitingOf(j), j.missed)
		}
	}
}
