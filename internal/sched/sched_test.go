package sched

import (
	"testing"
	"time"
)

// ready is a scheduler with so many workers.
func ready(n int) (*Scheduler, []*Worker) {
	s := new(Scheduler)
	workers := make([]*Worker, n)
	for i := range workers {
		workers[i] = new(Worker)
		s.Join(workers[i])
	}
	return s, workers
}

// next is the next batch for w.
func next(s *Scheduler, w *Worker) (Batch, bool) {
	var list [1]Batch
	n := s.Next(w, list[:])
	return list[0], n == 1
}

// Nothing is known of a new function, so its first batches are of one element; then of a millisecond of work.
func TestBatchesFollowTheMeasuredTime(t *testing.T) {
	s, w := ready(1)
	j := &Job{Cost: new(Cost)}
	s.Add(j, 1_000_000)
	b, ok := next(s, w[0])
	if !ok || b.N != 1 || j.Estimate() != 1 {
		t.Fatalf("first batch %+v, %v", b, ok)
	}
	s.Finished(w[0], 1, 0)
	for _, c := range []struct {
		element time.Duration
		batch   int
	}{
		{10 * time.Microsecond, 100}, {time.Millisecond, 1}, {time.Hour, 1}, {time.Nanosecond, maxBatch}, {0, maxBatch},
	} {
		j.Cost = new(Cost)
		j.Cost.Observe(1, c.element)
		if b, _ := next(s, w[0]); b.N != c.batch || j.Estimate() != c.batch {
			t.Errorf("elements of %v: batch of %d, estimate %d, want %d", c.element, b.N, j.Estimate(), c.batch)
		}
		s.Finished(w[0], w[0].InFlight(), 0)
	}
}

func TestCost(t *testing.T) {
	var c Cost
	c.Observe(0, time.Second)
	c.Observe(-1, time.Second)
	if c.Estimate() != 0 {
		t.Errorf("%v of nothing", c.Estimate())
	}
	c.Observe(10, 100*time.Microsecond)
	if c.Estimate() != 10*time.Microsecond {
		t.Errorf("the first measurement gives %v", c.Estimate())
	}
	for range 100 {
		c.Observe(1, time.Millisecond)
	}
	if e := c.Estimate(); e < 990*time.Microsecond || e > time.Millisecond {
		t.Errorf("after a change the estimate is %v", e)
	}
}

// The last batches of a job shrink, so that the workers end together.
func TestLastBatchesShrink(t *testing.T) {
	s, w := ready(2)
	j := &Job{Cost: new(Cost)}
	j.Cost.Observe(1, time.Microsecond) // 1000 would make a millisecond
	s.Add(j, 1000)
	last, left := 1000, int64(1000)
	for n := 0; left > 0; n++ {
		b, ok := next(s, w[n%2])
		if !ok {
			t.Fatalf("nothing for a worker, %d wait", left)
		}
		if b.N > last || int64(b.N) > max(1, left/4) {
			t.Fatalf("a batch of %d after one of %d, with %d left", b.N, last, left)
		}
		last, left = b.N, left-int64(b.N)
		s.Finished(w[n%2], b.N, 0)
	}
	if last != 1 {
		t.Errorf("the last batch has %d", last)
	}
}

// A long job does not keep a short one waiting: they take turns.
func TestJobsTakeTurns(t *testing.T) {
	s, w := ready(1)
	jobs := make(map[*Job]int)
	for range 3 {
		j := &Job{Cost: new(Cost)}
		jobs[j] = 0
		s.Add(j, 1000)
	}
	for range 10 {
		round := make(map[*Job]bool)
		for range jobs {
			b, ok := next(s, w[0])
			if !ok {
				t.Fatal("nothing for an idle worker")
			}
			round[b.Job] = true
			s.Finished(w[0], b.N, 0)
		}
		if len(round) != len(jobs) {
			t.Fatalf("%d of %d jobs had a turn", len(round), len(jobs))
		}
	}
}

// A worker may have four milliseconds of work ahead, at least two elements.
func TestWindow(t *testing.T) {
	for _, c := range []struct {
		element time.Duration
		chunk   int
		want    int
	}{
		{0, 0, 2}, {time.Second, 0, 2}, {10 * time.Microsecond, 0, 400}, {time.Millisecond, 0, 4}, {time.Second, 50, 2}, {10 * time.Microsecond, 50, 400}, {0, 50, 100},
	} {
		s, w := ready(1)
		j := &Job{Cost: new(Cost), Chunk: c.chunk}
		if c.element > 0 {
			j.Cost.Observe(1, c.element)
		}
		s.Add(j, 1_000_000)
		for {
			if _, ok := next(s, w[0]); !ok {
				break
			}
		}
		if w[0].InFlight() != c.want {
			t.Errorf("elements of %v, chunks of %d: %d in flight, want %d", c.element, c.chunk, w[0].InFlight(), c.want)
		}
	}
}

// What was returned goes to the front, the lowest first, and does not merge with what was never handed out.
func TestReturnedComesFirst(t *testing.T) {
	s, w := ready(1)
	j := &Job{Cost: new(Cost), Chunk: 10}
	s.Add(j, 30)
	for range 2 {
		next(s, w[0])
	}
	s.Leave(w[0])
	s.Return(j, Range{15, 5})
	s.Return(j, Range{3, 7})
	s.Return(j, Range{3, 0})
	s.Join(w[0])
	var got []Range
	for {
		b, ok := next(s, w[0])
		if !ok {
			break
		}
		s.Finished(w[0], b.N, 0)
		got = append(got, b.Range)
	}
	want := []Range{{3, 7}, {15, 5}, {20, 10}}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("handed out %v, want %v", got, want)
	}
}

func BenchmarkNext(b *testing.B) {
	s, w := ready(4)
	j := &Job{Cost: new(Cost), Chunk: 1}
	for i := 0; b.Loop(); i++ {
		s.Add(j, 1)
		next(s, w[i%4])
		s.Finished(w[i%4], 1, 0)
	}
}

// BenchmarkNextOfMany is a map in messages of one element.
func BenchmarkNextOfMany(b *testing.B) {
	s, w := ready(2)
	j := &Job{Cost: new(Cost), Chunk: 1}
	j.Cost.Observe(1, 100)
	s.Add(j, 1<<60)
	var list [16]Batch
	for i := 0; b.Loop(); i++ {
		n := s.Next(w[i%2], list[:])
		s.Finished(w[i%2], n, 0)
	}
}
