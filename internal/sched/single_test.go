package sched

import "testing"

// Each worker has one element at a time, in order; and one that has its element is not picked.
func TestOneAtATime(t *testing.T) {
	s, w := ready(2)
	s.OneAtATime = true
	j := &Job{Cost: new(Cost), Chunk: 1}
	s.Add(j, 6)
	for first := int64(0); first < 6; first += 2 {
		for i := range w {
			p := s.Pick()
			list := make([]Batch, 4)
			if p == nil || s.Next(p, list) != 1 || list[0].Range != (Range{first + int64(i), 1}) {
				t.Fatalf("worker %v gets %+v", p, list)
			}
		}
		if p := s.Pick(); p != nil {
			t.Fatalf("%+v is picked", p)
		}
		for _, v := range w {
			s.Finished(v, 1, 0)
		}
	}
	if s.Waiting() != 0 {
		t.Errorf("%d wait", s.Waiting())
	}
}
