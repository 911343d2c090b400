package shared_test

import (
	"context"
	"errors"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

type counting struct {
	Mu *shared.Mutex
	A  *shared.Array[int64]
	V  *shared.Value[[3]int64]
	N  int
}

var count = mp.Func("count", func(ctx context.Context, c counting) (int, error) {
	for range c.N {
		if err := c.Mu.Lock(ctx); err != nil {
			return 0, err
		}
		c.A.Slice()[0]++
		if err := c.Mu.Unlock(); err != nil {
			return 0, err
		}
		if _, err := c.V.Update(ctx, func(v [3]int64) [3]int64 { return [3]int64{v[0] + 1, v[1] + 1, v[2] + 1} }); err != nil {
			return 0, err
		}
	}
	return c.N, nil
})

var die = mp.Func("die", func(ctx context.Context, c counting) (int, error) {
	_ = c.Mu.Lock(ctx)
	select {}
})

func TestSmoke(t *testing.T) {
	mu, err := shared.NewMutex()
	if err != nil {
		t.Fatal(err)
	}
	a, err := shared.NewArray[int64](10)
	if err != nil {
		t.Fatal(err)
	}
	v, err := shared.NewValue([3]int64{})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	c := counting{mu, a, v, 20000}
	if _, err := count.Map(ctx, pool, []counting{c, c, c, c}); err != nil {
		t.Fatal(err)
	}
	if a.At(0) != 80000 || v.Load() != [3]int64{80000, 80000, 80000} {
		t.Error(a.At(0), v.Load())
	}
	p, err := die.Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	for !mu.Locked() {
	}
	t.Log(mu)
	_ = p.Kill()
	if err := mu.Lock(ctx); !errors.Is(err, shared.ErrOwnerDied) {
		t.Error(err)
	}
	t.Log(mu)
	t.Log(shared.Stats())
	if err := mu.Unlock(); err != nil {
		t.Error(err)
	}
}
