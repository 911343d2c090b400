package shared_test

import (
	"context"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

type grouped struct {
	Group *shared.WaitGroup
	Done  *shared.Value[int64]
	Times int
}

var doAll = mp.Func("doAll", func(ctx context.Context, g grouped) (int, error) {
	for range g.Times {
		shared.Add(g.Done, 1)
		if err := g.Group.Done(); err != nil {
			return 0, err
		}
	}
	return g.Times, nil
})

var awaitAll = mp.Func("awaitAll", func(ctx context.Context, g grouped) (int64, error) {
	err := g.Group.Wait(ctx)
	return g.Done.Load(), err
})

// Who waits goes on when the last is done, and not before.
func TestWaitGroup(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		g := grouped{fresh(shared.NewWaitGroup())(t), fresh(shared.NewValue(int64(0)))(t), 500}
		ok(t, g.Group.Wait(ctx)) // of nothing
		for round := range 3 {
			want := int64(round+1) * 4 * 500
			ok(t, g.Group.Add(4*500))
			var wg sync.WaitGroup
			wg.Go(func() {
				for _, done := range everywhere(t, where, awaitAll, g, g) {
					if done != want {
						t.Errorf("round %d: %d were done, not %d", round, done, want)
					}
				}
			})
			everywhere(t, where, doAll, g, g, g, g)
			ok(t, g.Group.Wait(ctx))
			wg.Wait()
		}
	})
}

// H23: what makes no sense is an error, and changes nothing.
func TestWaitGroupBounds(t *testing.T) {
	noLeaks(t)
	g := fresh(shared.NewWaitGroup())(t)
	wants(t, "Done of nothing", g.Done(), shared.ErrBound)
	wants(t, "Add of less than nothing", g.Add(math.MinInt), shared.ErrBound)
	ok(t, g.Add(0))
	ok(t, g.Add(3))
	wants(t, "Add(-4) to 3", g.Add(-4), shared.ErrBound)
	ok(t, g.Add(-2))
	if !strings.HasPrefix(g.String(), "WaitGroup#") || !strings.HasSuffix(g.String(), "(1)") {
		t.Error(g)
	}
	lasts(t, g.Wait)
	ok(t, g.Done())
	ok(t, g.Wait(ctx))
	ok(t, g.Add(math.MaxInt))
	wants(t, "Add beyond what an int counts", g.Add(1), shared.ErrBound)
	ok(t, g.Add(-math.MaxInt))
	ok(t, g.Wait(ctx))
}
