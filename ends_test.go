//go:build linux

package mp_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/go-multiproc/mp"
)

// T323, T329, T330, T333, T334, T338, W12, W38: however a pool ends, and however often, everything that was accepted has its outcome, and
// what comes later is ErrClosed.
func TestEndsOfAPool(t *testing.T) {
	canceled := expired()
	for name, end := range map[string]func(*mp.Pool) error{
		"Close": (*mp.Pool).Close,
		"Stop":  func(p *mp.Pool) error { return p.Stop(ctx) },
		"Kill":  (*mp.Pool).Kill,
		"Stop that expires": func(p *mp.Pool) error {
			if err := p.Stop(canceled); err != nil && !errors.Is(err, context.Canceled) {
				return err
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			noLeaks(t)
			pool := newPool(t, mp.PoolConfig{Workers: 2})
			var futures []*mp.Future[int]
			for range 100 {
				futures = append(futures, work.Go(ctx, pool, 1000))
			}
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if err := end(pool); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			for _, f := range futures {
				select {
				case <-f.Done():
				default:
					t.Fatal("an end came before an outcome")
				}
				_, err := f.Wait(ctx)
				if strings.HasPrefix(name, "K") || strings.HasSuffix(name, "expires") {
					if err != nil && !errors.Is(err, mp.ErrClosed) {
						t.Error(err)
					}
				} else if err != nil {
					t.Errorf("accepted, and not finished: %v", err)
				}
			}
			refused(t, pool)
		})
	}
}

// refused checks that a pool that has ended takes nothing.
func refused(t *testing.T, pool *mp.Pool) {
	t.Helper()
	_, tryErr := square.TryGo(ctx, pool, 1)
	_, mapErr := square.Map(ctx, pool, []int{1})
	_, callErr := square.Call(ctx, pool, 1)
	var streamErr error
	for _, streamErr = range square.Stream(ctx, pool, upTo(1)) {
	}
	for what, err := range map[string]error{"TryGo": tryErr, "Map": mapErr, "Call": callErr, "Stream": streamErr, "Ready": pool.Ready(ctx)} {
		if !errors.Is(err, mp.ErrClosed) {
			t.Errorf("%s after the end: %v", what, err)
		}
	}
	if pool.Kill() != nil || pool.Close() != nil {
		t.Error("a second end is an error")
	}
	if s := pool.Stats(); s.Queued+s.Running != 0 || len(s.Workers) != 2 {
		t.Errorf("%+v", s)
	}
}
