package park

import "testing"

func TestSpinEndsWithoutAnAnswer(t *testing.T) {
	var s Spinner
	for range 1000 {
		calls := 0
		if s.Spin(func() bool { calls++; return false }) {
			t.Fatal("ready was never true")
		}
		if calls == 0 {
			t.Fatal("never asked")
		}
	}
	if s.pauses != 1 || s.yield >= minPatience && s.misses%probePeriod != 0 {
		t.Errorf("after %d misses the budget is %d pauses and yields for %v", s.misses, s.pauses, s.yield)
	}
}

func TestSpinReportsTheAnswerInEachPhase(t *testing.T) {
	for _, at := range []int{1, 2, maxPauses, maxPauses + 1, maxPauses + 4} {
		var s Spinner
		calls := 0
		if !s.Spin(func() bool { calls++; return calls == at }) {
			t.Errorf("the answer to call %d was missed", at)
		}
	}
}

func TestBudgetGrowsBackWhenItPays(t *testing.T) {
	var s Spinner
	for range 100 {
		s.Spin(func() bool { return false })
	}
	for range 20 {
		s.Spin(func() bool { return true })
	}
	if s.pauses != maxPauses {
		t.Errorf("after 20 hits the budget is %d pauses, want %d", s.pauses, maxPauses)
	}
	s.yield = minPatience
	for range 20 {
		calls := 0
		s.pauses = 1
		s.Spin(func() bool { calls++; return calls == 3 })
	}
	if s.yield != s.Patience {
		t.Errorf("after 20 hits it yields for %v, want %v", s.yield, s.Patience)
	}
}
