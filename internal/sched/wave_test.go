package sched

import (
	"slices"
	"testing"
	"time"
)

// hand gives what waits to whoever can take it, as the engine does, and returns what each worker got.
func hand(s *Scheduler, workers []*Worker) [][]int64 {
	got := make([][]int64, len(workers))
	for w := s.Pick(); w != nil; w = s.Pick() {
		var list [16]Batch
		n := s.Next(w, list[:])
		if n == 0 {
			break
		}
		for _, b := range list[:n] {
			for i := range int64(b.N) {
				got[slices.Index(workers, w)] = append(got[slices.Index(workers, w)], b.First+i)
			}
		}
	}
	return got
}

// Nobody gets a second batch while somebody has none: the first elements of a job begin at once, one on each worker, and nothing
// need be taken back for that.
func TestEachHasOneBeforeAnyHasTwo(t *testing.T) {
	for workers := range 9 {
		for n := range 3 * workers {
			for _, element := range []time.Duration{0, time.Nanosecond, time.Second} {
				s, w := ready(workers)
				j := &Job{Cost: new(Cost)}
				if element > 0 {
					j.Cost.Observe(1, element)
				}
				s.Add(j, int64(n))
				var first []int64
				for _, list := range hand(s, w) {
					if len(list) > 0 {
						first = append(first, list[0])
					}
				}
				slices.Sort(first)
				if len(first) != min(n, workers) || n > 0 && first[len(first)-1] != int64(len(first)-1) {
					t.Errorf("%d elements of %v on %d workers: %v begin", n, element, workers, first)
				}
			}
		}
	}
}
