package shared_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

type numbered struct {
	Producer, Seq int
	Pad           []byte
}

type traffic struct {
	Q          *shared.Queue[numbered]
	Fixed      *shared.Queue[[2]int] // instead
	Out        *shared.Value[int64]  // items that were taken
	Producer   int
	Times, Pad int
	Consumes   bool
}

func (r traffic) put(ctx context.Context, seq int) error {
	if r.Fixed != nil {
		if seq%2 == 0 {
			if r.Fixed.TryPut([2]int{r.Producer, seq}) == nil {
				return nil
			}
		}
		return r.Fixed.Put(ctx, [2]int{r.Producer, seq})
	}
	item := numbered{r.Producer, seq, make([]byte, seq*r.Pad%1000)}
	if seq%2 == 0 && r.Q.TryPut(item) == nil {
		return nil
	}
	return r.Q.Put(ctx, item)
}

func (r traffic) get(ctx context.Context, seq int) (producer, got int, err error) {
	if r.Fixed != nil {
		if seq%2 == 0 {
			if item, err := r.Fixed.TryGet(); err == nil {
				return item[0], item[1], nil
			}
		}
		item, err := r.Fixed.Get(ctx)
		return item[0], item[1], err
	}
	if seq%3 == 0 {
		if d, err := r.Q.TryTake(); err == nil {
			return d.Value.Producer, d.Value.Seq, d.Ack()
		}
	}
	item, err := r.Q.Get(ctx)
	if err == nil && len(item.Pad) != item.Seq*r.Pad%1000 {
		err = fmt.Errorf("item %d has %d bytes", item.Seq, len(item.Pad))
	}
	return item.Producer, item.Seq, err
}

// take gets items until the queue is closed, and returns what it got of each producer.
func (r traffic) take(ctx context.Context) ([][]int, error) {
	got := make([][]int, r.Producer)
	for i := 0; ; i++ {
		p, seq, err := r.get(ctx, i)
		if errors.Is(err, shared.ErrClosed) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		got[p] = append(got[p], seq)
	}
}

var work = mp.Func("work", func(ctx context.Context, r traffic) ([][]int, error) {
	if r.Consumes {
		return r.take(ctx)
	}
	for seq := range r.Times {
		if err := r.put(ctx, seq); err != nil {
			return nil, err
		}
	}
	return nil, nil
})

// T031, W09: with several producers and consumers each item is taken exactly once, and each consumer gets those of a producer in
// the order in which they were put; whatever the queue's limits.
func TestQueueManyToMany(t *testing.T) {
	const producers, consumers = 3, 3
	for name, c := range map[string]shared.QueueConfig{
		"no limit": {}, "one item": {Capacity: 1}, "two items": {Capacity: 2}, "few bytes": {Bytes: 3000},
	} {
		for _, fixed := range []bool{true, false} {
			t.Run(fmt.Sprint(name, ", of fixed size ", fixed), func(t *testing.T) {
				onBoth(t, func(t *testing.T, where venue) {
					r := traffic{Times: 1500, Pad: 7}
					closeQueue := func() error { return r.Q.Close() }
					if fixed {
						r.Fixed = fresh(shared.NewQueue[[2]int](c))(t)
						closeQueue = r.Fixed.Close
					} else {
						r.Q = fresh(shared.NewQueue[numbered](c))(t)
					}
					consumer := r
					consumer.Consumes, consumer.Producer = true, producers
					var wg sync.WaitGroup
					wg.Go(func() {
						exactlyOnce(t, everywhere(t, where, work, consumer, consumer, consumer), producers, r.Times)
					})
					var all []traffic
					for r.Producer = range producers {
						all = append(all, r)
					}
					everywhere(t, where, work, all...)
					ok(t, closeQueue())
					wg.Wait()
				})
			})
		}
	}
}

// exactlyOnce checks what consumers got of each producer.
func exactlyOnce(t *testing.T, got [][][]int, producers, times int) {
	t.Helper()
	for p := range producers {
		seen := make([]int, times)
		for c := range got {
			last := -1
			for _, seq := range got[c][p] {
				if seq <= last {
					t.Fatalf("consumer %d got %d of producer %d after %d", c, seq, p, last)
				}
				last = seq
				seen[seq]++
			}
		}
		for seq, n := range seen {
			if n != 1 {
				t.Fatalf("item %d of producer %d was taken %d times", seq, p, n)
			}
		}
	}
}

// The same between the goroutines of two processes, with one handle each.
var bridge = mp.Func("bridge", func(ctx context.Context, r traffic) (int, error) {
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for g := range 8 {
		wg.Go(func() {
			mine := r
			mine.Producer = g
			for seq := range r.Times {
				if err := mine.put(ctx, seq); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return r.Times, <-errs
})

func TestQueueManyGoroutines(t *testing.T) {
	noLeaks(t)
	r := traffic{Q: fresh(shared.NewQueue[numbered](shared.QueueConfig{Capacity: 5}))(t), Times: 300, Pad: 3}
	p := start(t, bridge, r)
	consumer := r
	consumer.Producer = 8
	got := make([][][]int, 4)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			var err error
			if got[i], err = consumer.take(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	resultOf(t, p)
	ok(t, r.Q.Close())
	wg.Wait()
	exactlyOnce(t, got, 8, r.Times)
}
