package sched

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A sim is workers that take the time that elements need, by a clock of its own, and an owner that does what the Scheduler says. He hears of
// a worker as of a process: when it has nothing more to do, at the end of a batch if he has heard nothing for 200 µs, and after 2 ms.
type sim struct {
	t       *testing.T
	s       *Scheduler
	workers []*simWorker
	now     time.Duration
	took    map[*Job]func(i int64) time.Duration
	done    map[*Job]int64
	ran     map[*Job]time.Duration
	ended   map[*Job]time.Duration // when the last element of it has ended so far
}

type simWorker struct {
	w       *Worker
	batches []Batch
	until   time.Duration   // when its element ends; 0 if it runs none
	unheard []time.Duration // what elements have taken of which the owner has not heard
	heard   time.Duration   // when the owner last did
}

func newSim(t *testing.T, workers int) *sim {
	s, w := ready(workers)
	m := &sim{
		t: t, s: s, took: make(map[*Job]func(int64) time.Duration), done: make(map[*Job]int64),
		ran: make(map[*Job]time.Duration), ended: make(map[*Job]time.Duration),
	}
	for _, w := range w {
		x := &simWorker{w: w}
		w.Owner = x
		m.workers = append(m.workers, x)
	}
	return m
}

// add makes n elements of j available, each of which takes as long as took says.
func (m *sim) add(j *Job, n int64, took func(i int64) time.Duration) *Job {
	m.took[j] = took
	m.s.Add(j, n)
	m.dispatch()
	return j
}

func each(d time.Duration) func(int64) time.Duration {
	return func(int64) time.Duration { return d }
}

// dispatch is what the engine's does.
func (m *sim) dispatch() {
	for {
		for p := m.s.Pick(); p != nil; p = m.s.Pick() {
			x := p.Owner.(*simWorker)
			var list [16]Batch
			n := m.s.Next(p, list[:])
			if n == 0 {
				m.t.Fatal("a worker was picked and gets nothing")
			}
			x.batches = append(x.batches, list[:n]...)
			m.begin(x)
		}
		r := m.s.Recall()
		if r.Worker == nil {
			return
		}
		m.takeBack(r.Owner.(*simWorker), r.N)
	}
}

// takeBack takes back n elements from the end, but none that has begun, of which it tells.
func (m *sim) takeBack(x *simWorker, n int) {
	for at := len(x.batches) - 1; at >= 0 && n > 0; at-- {
		b := &x.batches[at]
		k := b.N
		if at == 0 {
			k--
		}
		k = min(k, n)
		n -= k
		b.N -= k
		m.s.TakenBack(x.w, b.Job, k)
		m.s.Return(b.Job, Range{b.First + int64(b.N), k})
	}
	x.batches = slices.DeleteFunc(x.batches, func(b Batch) bool { return b.N == 0 })
	m.s.Begun(x.w, len(x.unheard)+min(1, len(x.batches)))
}

// begin lets a worker begin its next element, if it has one and runs none.
func (m *sim) begin(x *simWorker) {
	if x.until == 0 && len(x.batches) > 0 {
		b := x.batches[0]
		d := max(1, m.took[b.Job](b.First))
		x.until = m.now + d
	}
}

// run runs until a time, or until everything has ended.
func (m *sim) run(until time.Duration) {
	for {
		var first *simWorker
		at := forever
		for _, x := range m.workers {
			if x.until > 0 && x.until < at {
				first, at = x, x.until
			}
			if hear := x.heard + 2*time.Millisecond; len(x.unheard) > 0 && hear < at {
				first, at = x, hear
			}
		}
		if at == forever || at > until {
			m.now = until
			return
		}
		m.now = at
		if at == first.until {
			m.end(first)
		} else {
			m.hear(first)
		}
	}
}

// end ends the element that a worker runs.
func (m *sim) end(x *simWorker) {
	b := &x.batches[0]
	j := b.Job
	d := max(1, m.took[j](b.First))
	m.done[j]++
	m.ran[j] += d
	m.ended[j] = m.now
	x.until = 0
	x.unheard = append(x.unheard, d)
	b.First++
	if b.N--; b.N == 0 {
		x.batches = x.batches[1:]
	}
	last := b.N == 0
	m.begin(x)
	if x.until == 0 || (last && m.now > x.heard+200*time.Microsecond) {
		m.hear(x)
	}
}

// hear is the engine's Progress.
func (m *sim) hear(x *simWorker) {
	took := time.Duration(0)
	for _, d := range x.unheard {
		took += d
	}
	m.s.Finished(x.w, len(x.unheard), took)
	x.unheard, x.heard = nil, m.now
	m.dispatch()
}

const forever = time.Duration(1<<63 - 1)

// Loads whose elements differ a hundredfold end within a tenth of the ideal, which is that all workers are busy until the end.
func TestSkewedLoadsAreBalanced(t *testing.T) {
	ms := time.Millisecond
	pattern := []time.Duration{1 * ms, 2 * ms, 1 * ms, 10 * ms, 3 * ms, 1 * ms, 4 * ms, 10 * ms, 1 * ms, 2 * ms}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name string
		n    int64
		took func(i int64) time.Duration
	}{
		{"2 % of 5 ms among 20 µs", 5000, func(int64) time.Duration {
			if rng.IntN(50) == 0 {
				return 5 * ms
			}
			return 20 * time.Microsecond
		}},
		{"1 to 10 ms", 100, func(i int64) time.Duration { return pattern[i%int64(len(pattern))] }},
		{"the long ones first", 2000, func(i int64) time.Duration {
			if i < 20 {
				return 10 * ms
			}
			return 20 * time.Microsecond
		}},
		{"the long ones last", 2000, func(i int64) time.Duration {
			if i >= 1980 {
				return 10 * ms
			}
			return 20 * time.Microsecond
		}},
	} {
		for _, workers := range []int{2, 4} {
			for _, chunk := range []int{0, 1, 100} {
				m := newSim(t, workers)
				durations := make([]time.Duration, c.n)
				total := time.Duration(0)
				for i := range durations {
					durations[i] = c.took(int64(i))
					total += durations[i]
				}
				j := m.add(&Job{Cost: new(Cost), Chunk: chunk}, c.n, func(i int64) time.Duration { return durations[i] })
				m.run(forever)
				ideal := total / time.Duration(workers)
				if m.done[j] != c.n || m.ended[j] > ideal+ideal/10 {
					t.Errorf("%s, chunks of %d, %d workers: %d elements took %v, the ideal is %v", c.name, chunk, workers, m.done[j], m.ended[j], ideal)
				}
			}
		}
	}
}

// Equal jobs share the workers by time: whatever their elements need and however many of them go into a batch. One that comes
// later gets its share from then on, and does not catch up.
func TestEqualsShareTheTime(t *testing.T) {
	us := time.Microsecond
	for _, workers := range []int{1, 2, 3} {
		m := newSim(t, workers)
		jobs := []*Job{
			m.add(&Job{Cost: new(Cost), Chunk: 1000}, 1<<40, each(20*us)),
			m.add(&Job{Cost: new(Cost)}, 1<<40, each(us)),
			m.add(&Job{Cost: new(Cost), Chunk: 1}, 1<<40, each(3000*us)),
		}
		m.run(time.Second)
		m.shares(jobs, make(map[*Job]time.Duration), time.Second)
		late := m.add(&Job{Cost: new(Cost), Chunk: 7}, 1<<40, each(700*us))
		before := maps.Clone(m.ran)
		m.run(3 * time.Second)
		m.shares(append(jobs, late), before, 2*time.Second)
	}
}

// shares checks that each of the jobs has had its share of so much time.
func (m *sim) shares(jobs []*Job, before map[*Job]time.Duration, of time.Duration) {
	m.t.Helper()
	want := of * time.Duration(len(m.workers)) / time.Duration(len(jobs))
	for i, j := range jobs {
		if got := m.ran[j] - before[j]; got < want*85/100 || got > want*115/100 {
			m.t.Errorf("%d workers: job %d of %d has run for %v of its %v", len(m.workers), i, len(jobs), got, want)
		}
	}
}

// A call waits for no more than what runs and an element whose turn it was, though the maps before it hold large chunks of long ones.
func TestCallsDoNotWaitBehindMaps(t *testing.T) {
	ms := time.Millisecond
	for _, element := range []time.Duration{20 * time.Microsecond, ms, 20 * ms} {
		m := newSim(t, 2)
		for range 3 {
			m.add(&Job{Cost: new(Cost), Chunk: 1000}, 1<<40, each(element))
		}
		for n := range 50 {
			m.run(time.Duration(n+2) * 50 * ms)
			call := m.add(&Job{Cost: new(Cost)}, 1, each(ms))
			from := m.now
			m.run(m.now + 45*ms)
			if wait := m.ended[call] - from; m.done[call] == 0 || wait > 2*element+10*ms {
				t.Errorf("elements of %v: call %d took %v", element, n, wait)
			}
		}
	}
}

// A steady stream of calls leaves a map its share.
func TestCallsDoNotStarveMaps(t *testing.T) {
	m := newSim(t, 1)
	cost := new(Cost)
	j := m.add(&Job{Cost: new(Cost), Chunk: 50}, 1<<40, each(2*time.Millisecond))
	var calls []*Job
	for range 3 {
		calls = append(calls, m.add(&Job{Cost: cost}, 1, each(time.Millisecond)))
	}
	for m.now < 3*time.Second {
		m.run(m.now + time.Millisecond/2)
		for i, c := range calls {
			if m.done[c] > 0 { // each caller calls again
				calls[i] = m.add(&Job{Cost: cost}, 1, each(time.Millisecond))
			}
		}
	}
	if got := m.ran[j]; got < 3*time.Second/8 || got > 2*time.Second {
		t.Errorf("beside three callers a map has run for %v of 3 s", got)
	}
}

// What is of a higher priority has the workers for itself as long as it lasts; then the rest goes on.
func TestPrioritiesAreStrict(t *testing.T) {
	m := newSim(t, 2)
	low := m.add(&Job{Cost: new(Cost)}, 1000, each(time.Millisecond))
	m.run(100 * time.Millisecond)
	before := m.done[low]
	high := m.add(&Job{Cost: new(Cost), Priority: 1}, 1000, each(time.Millisecond))
	for m.done[high] < 998 {
		m.run(m.now + time.Millisecond)
		if m.done[low] > before+2 {
			t.Fatalf("%d elements of a lower priority have run beside %d of a higher", m.done[low]-before, m.done[high])
		}
	}
	m.run(forever)
	if m.done[low] != 1000 || m.done[high] != 1000 {
		t.Errorf("%d and %d have run", m.done[low], m.done[high])
	}
}
