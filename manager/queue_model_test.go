package manager_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/shared"
)

// A queueModel is what a queue should be.
type queueModel struct {
	items, returned []string
	bytes           int64
	put, done       int
	taken           []*manager.Delivery[string]
}

// take is what a get or a take should find.
func (q *queueModel) take() (item string, ok bool) {
	if n := len(q.returned); n > 0 {
		item, q.returned = q.returned[n-1], q.returned[:n-1]
		return item, true
	}
	if len(q.items) == 0 {
		return "", false
	}
	item, q.items = q.items[0], q.items[1:]
	q.bytes -= valueCost(item)
	return item, true
}

// A queue does what two slices do, and what meets the limit changes nothing.
func TestQueueAgainstSlices(t *testing.T) {
	const capacity, most = 8, 200
	m := containerServer(t, 1200)
	q := must(manager.NewQueue[string](m, shared.QueueConfig{Capacity: capacity, Bytes: most}))
	rng := random(t)
	model := new(queueModel)
	for n := range steps() {
		queueStep(t, rng, q, model, func(item string) bool {
			return len(model.items) == 0 || len(model.items) < capacity && model.bytes+valueCost(item) <= most
		})
		if n%100 > 0 {
			continue
		}
		bytes := model.bytes + int64(64*(len(model.items)+len(model.returned)+len(model.taken)))
		for _, item := range model.returned {
			bytes += valueCost(item)
		}
		for _, d := range model.taken {
			bytes += valueCost(d.Value)
		}
		if st := must(m.Stats(ctx)); st.Bytes != bytes {
			t.Fatalf("after %d steps: %d bytes, want %d", n, st.Bytes, bytes)
		}
	}
	emptied(t, m)
}

func queueStep(t *testing.T, rng *rand.Rand, q *manager.Queue[string], model *queueModel, fits func(string) bool) {
	t.Helper()
	switch op := rng.IntN(10); op {
	case 0, 1, 2, 3:
		item := word(rng)
		var want error
		if !fits(item) {
			want = shared.ErrFull
		}
		if !limited(t, "TryPut", q.TryPut(ctx, item), want) && want == nil {
			model.items = append(model.items, item)
			model.bytes += valueCost(item)
			model.put++
		}
	case 4, 5, 6:
		item, there := model.take()
		var want error
		if !there {
			want = shared.ErrEmpty
		}
		if op == 4 {
			got, err := q.TryGet(ctx)
			if is(t, "TryGet", err, want); got != item {
				t.Fatalf("TryGet is %q, want %q", got, item)
			}
			return
		}
		d, err := q.TryTake(ctx)
		if is(t, "TryTake", err, want); err != nil {
			return
		}
		if d.Value != item {
			t.Fatalf("TryTake is %q, want %q", d.Value, item)
		}
		model.taken = append(model.taken, d)
	case 7, 8:
		if len(model.taken) == 0 {
			return
		}
		i := rng.IntN(len(model.taken))
		d := model.taken[i]
		model.taken = slices.Delete(model.taken, i, i+1)
		if op == 7 {
			ok(t, d.Ack(ctx))
		} else {
			ok(t, d.Return(ctx))
			model.returned = append(model.returned, d.Value)
		}
		is(t, "Ack", d.Ack(ctx), manager.ErrClosed)
	case 9:
		var want error
		if model.done == model.put {
			want = shared.ErrBound
		} else {
			model.done++
		}
		is(t, "TaskDone", q.TaskDone(ctx), want)
		if n := len(model.items) + len(model.returned); must(q.Len(ctx)) != n {
			t.Fatalf("Len is not %d", n)
		}
	}
}

// Each item comes out once, whoever gives up waiting, on either side, whenever.
func TestQueueLosesNothing(t *testing.T) {
	m := containerServer(t, 0)
	q := must(manager.NewQueue[int](m, shared.QueueConfig{Capacity: 3}))
	const putters, getters, each = 4, 4, 500
	var put [putters]int
	var seen [putters * each]atomic.Int32
	hasty := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, time.Duration(rand.IntN(200))*time.Microsecond)
	}
	var putting, getting sync.WaitGroup
	for p := range putters {
		putting.Go(func() {
			for i := 0; i < each; {
				limited, cancel := hasty()
				switch err := q.Put(limited, p*each+i); {
				case err == nil:
					put[p]++
					i++
				case !errors.Is(err, context.DeadlineExceeded):
					t.Error(err)
					cancel()
					return
				}
				cancel()
			}
		})
	}
	for g := range getters {
		getting.Go(func() {
			for {
				limited, cancel := hasty()
				var item int
				var err error
				if g%2 == 0 {
					item, err = q.Get(limited)
				} else {
					var d *manager.Delivery[int]
					if d, err = q.Take(limited); err == nil {
						item, err = d.Value, d.Ack(ctx)
					}
				}
				cancel()
				switch {
				case err == nil:
					seen[item].Add(1)
				case errors.Is(err, manager.ErrClosed):
					return
				case !errors.Is(err, context.DeadlineExceeded):
					t.Error(err)
					return
				}
			}
		})
	}
	putting.Wait()
	ok(t, q.Close(ctx))
	getting.Wait()
	for i := range seen {
		if n := seen[i].Load(); n != 1 {
			t.Errorf("item %d came %d times", i, n)
		}
	}
	emptied(t, m)
}
