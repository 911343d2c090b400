package mp_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

var (
	abandonedRuns [4]atomic.Int64
	abandonedHold = make(chan struct{}, 1)
)

// abandoned holds up the first run of element 0, whatever its context says.
var abandoned = mp.Func("abandoned", func(_ context.Context, i int) (int, error) {
	if abandonedRuns[i].Add(1) == 1 && i == 0 {
		<-abandonedHold
	}
	return i, nil
})

// What a goroutine that was abandoned had not begun is run by its successor, and not by itself as well when it goes on.
func TestAbandonedGoroutineBeginsNothing(t *testing.T) {
	for i := range abandonedRuns {
		abandonedRuns[i].Store(0)
	}
	out, err := abandoned.Map(ctx, mp.InProcess(1), []int{0, 1, 2, 3}, mp.ChunkSize(4), mp.Retries(1),
		mp.Timeout(20*time.Millisecond), mp.Grace(20*time.Millisecond))
	if err != nil || len(out) != 4 || out[3] != 3 {
		t.Errorf("%v, %v", out, err)
	}
	n := runtime.NumGoroutine()
	abandonedHold <- struct{}{}
	eventually(t, "the goroutine that was abandoned ends", func() bool { return runtime.NumGoroutine() < n })
	for i := range abandonedRuns {
		if n := abandonedRuns[i].Load(); n != 1 && (i > 0 || n != 2) {
			t.Errorf("element %d ran %d times", i, n)
		}
	}
}
