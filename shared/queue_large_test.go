package shared_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// pattern is n bytes that are not the same in another order.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

type sized struct {
	Q     *shared.Queue[[]byte]
	Sizes []int
}

// putSizes puts an item of each size.
var putSizes = mp.Func("putSizes", func(ctx context.Context, s sized) (int, error) {
	for i, n := range s.Sizes {
		if err := s.Q.Put(ctx, pattern(n)); err != nil {
			return i, err
		}
	}
	return len(s.Sizes), nil
})

// W41: an item that is larger than the queue goes through it, alone, and smaller ones before and after it, in order.
func TestQueueItemsLargerThanTheQueue(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		s := sized{fresh(shared.NewQueue[[]byte](shared.QueueConfig{Bytes: 1 << 20}))(t), []int{10, 100 << 20, 0, 2 << 20, 1 << 20, 1, 1<<20 - 4}}
		if testing.Short() {
			s.Sizes[1] = 10 << 20
		}
		var wg sync.WaitGroup
		wg.Go(func() { everywhere(t, where, putSizes, s) })
		for i, n := range s.Sizes {
			if b, err := s.Q.Get(ctx); err != nil || !bytes.Equal(b, pattern(n)) {
				t.Fatalf("item %d of %d bytes: %d bytes, %v", i, n, len(b), err)
			}
		}
		wg.Wait()
	})
}

// A large item waits until it is alone, and everybody else until it is gone.
func TestQueueLargeItemIsAlone(t *testing.T) {
	noLeaks(t)
	q := fresh(shared.NewQueue[[]byte](shared.QueueConfig{Bytes: 1000}))(t)
	ok(t, q.TryPut(make([]byte, 10)))
	wants(t, "a large one beside another", q.TryPut(make([]byte, 2000)), shared.ErrFull)
	lasts(t, func(ctx context.Context) error { return q.Put(ctx, make([]byte, 2000)) })
	_, err := q.Get(ctx)
	ok(t, err)
	ok(t, q.TryPut(make([]byte, 2000)))
	wants(t, "a small one beside a large one", q.TryPut(nil), shared.ErrFull)
	b, err := q.Get(ctx)
	if ok(t, err); len(b) != 2000 {
		t.Errorf("%d bytes", len(b))
	}
	ok(t, q.TryPut(nil))
}

// Sizes around those of the memory that a queue takes at a time, so that items end at, before and behind its end.
func TestQueueSizesAtTheEdge(t *testing.T) {
	noLeaks(t)
	q := fresh(shared.NewQueue[[]byte](shared.QueueConfig{}))(t)
	const segment = 64 << 10
	for first := range 20 {
		for _, second := range []int{0, 1, segment - 60 - first, segment - 30 - first, segment - 16 - first, segment - 8, segment, segment + 1, 3 * segment} {
			for _, n := range []int{first, second, first} {
				ok(t, q.TryPut(pattern(n)))
			}
			for _, n := range []int{first, second, first} {
				if b, err := q.TryGet(); err != nil || !bytes.Equal(b, pattern(n)) {
					t.Fatalf("%d, %d: %d bytes, %v; want %d", first, second, len(b), err, n)
				}
			}
		}
	}
}

// What goes through a queue leaves nothing in it: its memory is that of the last items.
func TestQueueMemory(t *testing.T) {
	noLeaks(t)
	q := fresh(shared.NewQueue[[]byte](shared.QueueConfig{}))(t)
	ok(t, q.Put(ctx, nil))
	before, err := shared.Stats()
	ok(t, err)
	for range 200 {
		ok(t, q.Put(ctx, make([]byte, 100_000)))
		_, err := q.Get(ctx)
		ok(t, err)
	}
	after, err := shared.Stats()
	ok(t, err)
	if used := after.Used - before.Used; used > 2<<20 {
		t.Errorf("20 MB went through it, and it has %d bytes more than before", used)
	}
}

type handles struct {
	Queues map[string][]*shared.Queue[int]
	Reply  *shared.Queue[handles]
}

// answerHandles gets a queue from a queue, puts into what is in it, and sends it on.
var answerHandles = mp.Func("answerHandles", func(ctx context.Context, q *shared.Queue[handles]) (int, error) {
	h, err := q.Get(ctx)
	if err != nil {
		return 0, err
	}
	for i, q := range h.Queues["all"] {
		if err := q.Put(ctx, i); err != nil {
			return 0, err
		}
	}
	return len(h.Queues), h.Reply.Put(ctx, h)
})

// H18, F120: handles go through queues, nested, and refer to the same object there.
func TestQueueOfQueues(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		q := fresh(shared.NewQueue[handles](shared.QueueConfig{}))(t)
		h := handles{Queues: map[string][]*shared.Queue[int]{"nil": nil}, Reply: fresh(shared.NewQueue[handles](shared.QueueConfig{}))(t)}
		for range 3 {
			h.Queues["all"] = append(h.Queues["all"], fresh(shared.NewQueue[int](shared.QueueConfig{}))(t))
		}
		ok(t, q.Put(ctx, h))
		everywhere(t, where, answerHandles, q)
		back, err := h.Reply.Get(ctx)
		ok(t, err)
		for i := range 3 {
			got, err := back.Queues["all"][i].TryGet()
			if got != i || err != nil {
				t.Errorf("queue %d: %d, %v", i, got, err)
			}
			wants(t, fmt.Sprint("queue ", i), h.Queues["all"][i].TryPut(0), nil)
			if back.Queues["all"][i].Len() != 1 {
				t.Error("a queue that came back is another")
			}
		}
	})
}
