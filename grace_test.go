//go:build linux

package mp_test

import (
	"context"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// lag runs so long after its context has ended.
var lag = mp.Func("lag", func(ctx context.Context, d time.Duration) (int, error) {
	<-ctx.Done()
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
	return 0, ctx.Err()
})

// A worker is killed for the element that has not heeded its context within Grace, never for one that has: the next one
// may have begun, and is somebody else's.
func TestGraceEndsAsTheElementDoes(t *testing.T) {
	noLeaks(t)
	const grace = 3 * time.Millisecond
	pool := newPool(t, mp.PoolConfig{Workers: 1, Grace: grace, Stderr: io.Discard})
	var over atomic.Bool
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for !over.Load() {
				if v, err := work.Call(ctx, pool, 300); err != nil || v != 300 {
					t.Errorf("an innocent element: %d, %v", v, err)
					return
				}
			}
		})
	}
	end := time.Now().Add(5 * time.Second)
	n := 0
	for ; time.Now().Before(end) && !t.Failed(); n++ {
		_, _ = lag.Call(ctx, pool, grace-time.Duration(rand.IntN(600))*time.Microsecond, mp.Timeout(time.Millisecond))
	}
	over.Store(true)
	wg.Wait()
	t.Logf("%d rounds, %d restarts", n, pool.Stats().Restarts)
}
