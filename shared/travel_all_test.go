package shared_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/go-multiproc/mp"
)

var useAll = mp.Func("useAll", func(ctx context.Context, all map[string][]things) (things, error) {
	x := all["x"][0]
	held, err := x.R.Lock(ctx)
	err = errors.Join(err, x.R.Unlock(held), x.M.Do(ctx, x.C.Broadcast), x.W.RLock(ctx), x.W.RUnlock(), x.S.Acquire(ctx), x.S.Release(),
		x.E.Set(), x.G.Add(2), x.Q.Put(ctx, 3))
	x.V.Store(4)
	x.L.Store([4]int{5, 5, 5, 5})
	x.A.Set(0, 6)
	return x, err
})

var relay = mp.Func("relay", func(ctx context.Context, all map[string][]things) (things, error) {
	p, err := useAll.Start(ctx, all)
	if err != nil {
		return things{}, err
	}
	return p.Wait(ctx)
})

// T045, T202, T237, W17: every handle travels, in maps, slices and structs, as argument and as result, to processes that were started before it was
// made, and to their children; and is the same object there.
func TestEveryKindTravels(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, 1)
	for name, use := range map[string]func(map[string][]things) (things, error){
		"to a child":   func(x map[string][]things) (things, error) { return useAll.Call(ctx, pool, x) },
		"to its child": func(x map[string][]things) (things, error) { return relay.Call(ctx, pool, x) },
		"within one process": func(x map[string][]things) (things, error) {
			own := idleExecutor()
			defer func() { spare <- own }()
			return useAll.Call(ctx, own, x)
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := allFresh(t)
			var wg sync.WaitGroup
			wg.Go(func() { ok(t, x.E.Wait(ctx)) })
			back, err := use(map[string][]things{"x": {x}})
			ok(t, err)
			wg.Wait()
			for _, x := range []things{x, back} {
				if got := fmt.Sprint(x.V.Load(), x.L.Load(), x.A.Slice(), x.Q.Len(), x.E.IsSet()); got != "4 [5 5 5 5] [6] 1 true" {
					t.Error(got)
				}
			}
			ok(t, back.G.Done())
			ok(t, x.G.Done())
			ok(t, back.G.Wait(ctx))
		})
	}
}
