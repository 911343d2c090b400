package shared_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// An item that is taken is the queue's until it is acknowledged.
func TestDelivery(t *testing.T) {
	noLeaks(t)
	q := fresh(shared.NewQueue[string](shared.QueueConfig{}))(t)
	for _, item := range []string{"a", "b", "c"} {
		ok(t, q.Put(ctx, item))
	}
	first, err := q.Take(ctx)
	ok(t, err)
	second, err := q.TryTake()
	ok(t, err)
	if first.Value != "a" || second.Value != "b" || q.Len() != 1 {
		t.Error(first.Value, second.Value, q)
	}
	ok(t, first.Return())
	if q.Len() != 2 {
		t.Errorf("after a return: %v", q)
	}
	if again, err := q.Get(ctx); again != "a" || err != nil { // before "c"
		t.Errorf("%q, %v", again, err)
	}
	ok(t, second.Ack())
	for what, err := range map[string]error{
		"Ack after Return": first.Ack(), "Return after Return": first.Return(), "Ack after Ack": second.Ack(), "Return after Ack": second.Return(),
	} {
		wants(t, what, err, shared.ErrClosed)
	}
	if last, err := q.TryGet(); last != "c" || err != nil || q.Len() != 0 {
		t.Errorf("%q, %v, %v", last, err, q)
	}
	var zero shared.Delivery[string]
	if zero.Ack() == nil || zero.Return() == nil {
		t.Error("a delivery that is none was acknowledged")
	}
}

// What came back and was taken anew is another delivery: the first one says nothing about it.
func TestDeliveryTakenAgain(t *testing.T) {
	noLeaks(t)
	q := fresh(shared.NewQueue[int](shared.QueueConfig{}))(t)
	ok(t, q.Put(ctx, 7))
	first, err := q.Take(ctx)
	ok(t, err)
	ok(t, first.Return())
	second, err := q.Take(ctx)
	ok(t, err)
	wants(t, "Ack of the first", first.Ack(), shared.ErrClosed)
	wants(t, "Return of the first", first.Return(), shared.ErrClosed)
	if second.Value != 7 || q.Len() != 0 {
		t.Error(second.Value, q)
	}
	ok(t, second.Return())
	if q.Len() != 1 {
		t.Errorf("the second was not returned: %v", q)
	}
}

type taking struct {
	Q     *shared.Queue[[]byte]
	Taken *shared.Value[int64]
	Times int
}

// takeAndStay takes items, acknowledges the first of them, and keeps the rest.
var takeAndStay = mp.Func("takeAndStay", func(ctx context.Context, k taking) (int, error) {
	for i := range k.Times {
		d, err := k.Q.Take(ctx)
		if err == nil && i == 0 {
			err = d.Ack()
		}
		if err != nil {
			return 0, err
		}
		shared.Add(k.Taken, 1)
	}
	select {}
})

// W06: what a process had taken that died, another gets; what it had acknowledged, nobody.
func TestDeliveryOfTheDead(t *testing.T) {
	noLeaks(t)
	k := taking{fresh(shared.NewQueue[[]byte](shared.QueueConfig{}))(t), fresh(shared.NewValue(int64(0)))(t), 4}
	for n := range 6 {
		ok(t, k.Q.Put(ctx, pattern(n*50_000)))
	}
	p := start(t, takeAndStay, k)
	eventually(t, "it has four", func() bool { return k.Taken.Load() == 4 })
	ok(t, k.Q.Close()) // which leaves to others what it may give back
	got := make(map[int]int)
	for range 2 {
		d, err := k.Q.Take(ctx)
		ok(t, err)
		got[len(d.Value)]++
		ok(t, d.Ack())
	}
	lasts(t, func(ctx context.Context) error { _, err := k.Q.Get(ctx); return err }) // closed, and not at the end
	ok(t, p.Kill())
	for b, err := range k.Q.All(ctx) {
		ok(t, err)
		if string(b) != string(pattern(len(b))) {
			t.Errorf("an item of %d bytes is damaged", len(b))
		}
		got[len(b)]++
	}
	if fmt.Sprint(got) != "map[50000:1 100000:1 150000:1 200000:1 250000:1]" {
		t.Error(got)
	}
}

var ackAll = mp.Func("ackAll", func(ctx context.Context, k taking) (n int, err error) {
	for {
		d, err := k.Q.Take(ctx)
		if errors.Is(err, shared.ErrClosed) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if n++; n%3 == 0 {
			err = d.Return()
		} else {
			err = d.Ack()
			shared.Add(k.Taken, 1)
		}
		if err != nil {
			return n, err
		}
	}
})

// Each item is acknowledged once, however often it comes back, and the queue is empty and at its end then.
func TestDeliveryManyReturns(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		k := taking{fresh(shared.NewQueue[[]byte](shared.QueueConfig{}))(t), fresh(shared.NewValue(int64(0)))(t), 0}
		const n = 500
		for i := range n {
			ok(t, k.Q.Put(ctx, pattern(i)))
		}
		ok(t, k.Q.Close())
		everywhere(t, where, ackAll, k, k, k, k)
		if k.Taken.Load() != n || k.Q.Len() != 0 || !strings.HasSuffix(k.Q.String(), "(0 items, closed)") {
			t.Errorf("%d acknowledged, %v", k.Taken.Load(), k.Q)
		}
	})
}

// Len counts what came back, exactly, also when much comes and goes at once.
func TestDeliveryLen(t *testing.T) {
	noLeaks(t)
	q := fresh(shared.NewQueue[int](shared.QueueConfig{}))(t)
	for i := range 8 {
		ok(t, q.Put(ctx, i))
	}
	for round := range 300 {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 5 {
					d, err := q.Take(ctx)
					if err == nil {
						err = d.Return()
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		if wg.Wait(); q.Len() != 8 {
			t.Fatalf("round %d: %d items, not 8", round, q.Len())
		}
	}
}

// What came back is not somebody else's memory by the time that it is read.
func TestDeliveryGetAfterReturn(t *testing.T) {
	noLeaks(t)
	q := fresh(shared.NewQueue[string](shared.QueueConfig{}))(t)
	var over atomic.Bool
	var wg sync.WaitGroup
	for range 2 { // they take memory and write to it
		wg.Go(func() {
			for !over.Load() {
				if a, err := shared.ArrayOf(make([]byte, 20_000)); err != nil || a.Free() != nil {
					t.Error(err)
				}
			}
		})
	}
	item := strings.Repeat("item", 5_000)
	for range 500 {
		ok(t, q.Put(ctx, item))
		d, err := q.Take(ctx)
		ok(t, err)
		ok(t, d.Return())
		if got, err := q.Get(ctx); got != item || err != nil {
			t.Errorf("%d bytes, %v", len(got), err)
			break
		}
	}
	over.Store(true)
	wg.Wait()
}

// Of one delivery, one call counts, whoever calls.
func TestDeliveryOnce(t *testing.T) {
	noLeaks(t)
	q := fresh(shared.NewQueue[int](shared.QueueConfig{}))(t)
	for range 200 {
		ok(t, q.Put(ctx, 1))
		d, err := q.Take(ctx)
		ok(t, err)
		var acks, returns atomic.Int32
		var wg sync.WaitGroup
		for _, end := range []struct {
			call func() error
			n    *atomic.Int32
		}{{d.Ack, &acks}, {d.Return, &returns}, {d.Return, &returns}, {d.Ack, &acks}} {
			wg.Go(func() {
				if err := end.call(); err == nil {
					end.n.Add(1)
				} else if !errors.Is(err, shared.ErrClosed) {
					t.Error(err)
				}
			})
		}
		if wg.Wait(); acks.Load()+returns.Load() != 1 || q.Len() != int(returns.Load()) {
			t.Fatalf("%d acknowledged, %d returned, %v", acks.Load(), returns.Load(), q)
		}
		_, _ = q.TryGet()
	}
}
