//go:build linux

package mp_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// untilCancelled says that it has begun, and returns when its context ends.
var untilCancelled = mp.Func("endure.untilCancelled", func(ctx context.Context, _ int) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
})

// What is cancelled hears of it, also where this process has no time: a worker that had to be killed for what nobody told it would be
// another's loss.
func TestCancelIsNotLostUnderLoad(t *testing.T) {
	noLeaks(t)
	var over atomic.Bool
	var busy sync.WaitGroup
	for range 8 * runtime.GOMAXPROCS(0) {
		busy.Go(func() {
			for n := 0; !over.Load(); n++ {
				_ = n * n
			}
		})
	}
	defer busy.Wait()
	defer over.Store(true)
	pool := newPool(t, mp.PoolConfig{Workers: 2, Grace: 20 * time.Second})
	for range enduring("MP_CANCELS", 40) {
		c, cancel := context.WithCancel(ctx)
		f := untilCancelled.Go(c, pool, 0)
		eventually(t, "it runs", func() bool { return pool.Stats().Running == 1 })
		cancel()
		if _, err := f.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		eventually(t, "it has ended", func() bool { return pool.Stats().Running == 0 })
	}
	if s := pool.Stats(); s.Restarts != 0 {
		t.Errorf("workers were killed that had only to be told: %+v", s)
	}
}
