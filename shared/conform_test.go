//go:build linux

package shared_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

var (
	conformLens = mp.Func("shared_test.conformLens", func(ctx context.Context, q queues[int]) (saw []int, err error) {
		for saw = append(saw, q.In.Len()); q.In.Len() > 0; saw = append(saw, q.In.Len()) {
			item, err := q.In.Get(ctx)
			if err != nil {
				return nil, err
			}
			saw = append(saw, item)
		}
		return append(saw, q.Out.Len()), q.Out.Put(ctx, 7)
	})
	conformPuts = mp.Func("shared_test.conformPuts", func(ctx context.Context, q *shared.Queue[string]) (int, error) {
		return 0, q.Put(ctx, "from the child of the child")
	})
	conformMakes = mp.Func("shared_test.conformMakes", func(ctx context.Context, _ int) (item string, err error) {
		q, err := shared.NewQueue[string](shared.QueueConfig{})
		if err != nil {
			return "", err
		}
		defer func() { err = errors.Join(err, q.Free()) }()
		p, err := conformPuts.Start(ctx, q)
		if err != nil {
			return "", err
		}
		if _, err := p.Wait(ctx); err != nil {
			return "", err
		}
		return q.TryGet()
	})
)

// T213: how many items there are, and that there are none, is seen alike by a child and its parent, before and after each has put.
func TestConformQueueLenInAChild(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		q := newQueues[int](t, shared.QueueConfig{})
		for i, want := range [][]int{{0, 0}, {3, 10, 2, 11, 1, 12, 0, 1}} {
			for n := range 3 * i {
				ok(t, q.In.Put(ctx, 10+n))
			}
			if saw := everywhere(t, where, conformLens, q)[0]; !slices.Equal(saw, want) {
				t.Errorf("the child saw %v, not %v", saw, want)
			}
			if q.In.Len() != 0 || q.Out.Len() != i+1 {
				t.Errorf("then the parent sees %v and %v", q.In, q.Out)
			}
		}
	})
}

// T191: a child makes a queue and starts a child of its own, which puts.
func TestConformQueueOfAChild(t *testing.T) {
	noLeaks(t)
	if got := resultOf(t, start(t, conformMakes, 0)); got != "from the child of the child" {
		t.Errorf("%q", got)
	}
}

// T227: a handle is as small as any, whatever the object holds.
func TestConformHandlesAreSmall(t *testing.T) {
	noLeaks(t)
	large := fresh(shared.NewArray[[64]int64](10_000))(t)
	full := fresh(shared.NewQueue[[]byte](shared.QueueConfig{}))(t)
	ok(t, full.Put(ctx, make([]byte, 1<<20)))
	size := 0
	for _, h := range []interface{ MarshalBinary() ([]byte, error) }{
		fresh(shared.NewArray[byte](0))(t), large, fresh(shared.NewQueue[[]byte](shared.QueueConfig{}))(t), full, fresh(shared.NewMutex())(t),
	} {
		b, err := h.MarshalBinary()
		ok(t, err)
		if size == 0 {
			size = len(b)
		}
		if len(b) != size || len(b) > 64 {
			t.Errorf("the handle of %v has %d bytes, and another %d", h, len(b), size)
		}
	}
	ok(t, func() error { _, err := full.Get(ctx); return err }())
}
