package shared_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

type qa struct {
	Q *shared.Queue[[64]byte]
	S *shared.Queue[string]
	N int
}

var produce = mp.Func("produce", func(ctx context.Context, a qa) (int, error) {
	var b [64]byte
	for i := range a.N {
		b[0] = byte(i)
		if err := a.Q.Put(ctx, b); err != nil {
			return 0, err
		}
	}
	return a.N, nil
})

var consume = mp.Func("consume", func(ctx context.Context, a qa) (time.Duration, error) {
	var t time.Time
	for i := range a.N {
		v, err := a.Q.Get(ctx)
		if err != nil {
			return 0, err
		}
		if i == 0 {
			t = time.Now()
		}
		if v[0] != byte(i) {
			return 0, errors.New("order")
		}
	}
	return time.Since(t), nil
})

func TestQueueSmoke(t *testing.T) {
	q, err := shared.NewQueue[[64]byte](shared.QueueConfig{})
	if err != nil {
		t.Fatal(err)
	}
	n := 2_000_000
	p1, err := consume.Start(ctx, qa{Q: q, N: n})
	if err != nil {
		t.Fatal(err)
	}
	p2, _ := produce.Start(ctx, qa{Q: q, N: n})
	if _, err := p2.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	d, err := p1.Wait(ctx)
	t.Log(d, err, d/time.Duration(n), float64(n)/d.Seconds()/1e6, "M/s", q)
	t.Log(shared.Stats())
	if err := q.Free(); err != nil {
		t.Error(err)
	}
	t.Log(shared.Stats())
}
