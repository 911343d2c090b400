package park

import "testing"

func TestSpinEndsWithoutAnAnswer(t *testing.T) {
	var s Spinner
	for range 1000 {
		calls := 0
		if s.Spin(func() bool { calls++; return false }) {
			t.Fatal("ready was never true")
		}
		if calls == 0 || calls > maxPauses+maxYields+1 {
			t.Fatalf("asked %d times", calls)
		}
	}
	if s.pauses != 1 || s.yields > initialYield {
		t.Errorf("after 1000 misses the budget is %d pauses and %d yields", s.pauses, s.yields)
	}
}

func TestSpinReportsTheAnswerInEachPhase(t *testing.T) {
	for _, at := range []int{1, 2, maxPauses, maxPauses + 1, maxPauses + initialYield} {
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
}
