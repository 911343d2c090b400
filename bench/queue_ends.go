package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

const (
	smallItem = 64
	distinct  = 4 // items that can be told from each other
)

// itemKind is a type of items, and what producers and consumers of such do in their processes.
type itemKind[T any] struct {
	fresh   func(size int) T
	view    func(*T) []byte
	produce *mp.Function[queueEnd[T], struct{}]
	consume *mp.Function[queueEnd[T], taken]
}

var (
	arrayItems = newItemKind("Arrays", func(int) (v [smallItem]byte) { return v }, func(v *[smallItem]byte) []byte { return v[:] })

	sliceItems = newItemKind("Slices", func(size int) []byte { return make([]byte, size) }, func(v *[]byte) []byte { return *v })
)

// queueEnd is what a producer or a consumer has to do.
type queueEnd[T any] struct {
	Queue         *shared.Queue[T]
	Start         *shared.Barrier // of all ends, when what warmed the queue up is out of it
	Size, Warm, N int
	Ordered       bool // there is one producer and one consumer
}

// taken is what a consumer tells.
type taken struct {
	Span span // from the first item to the last
	Tags int  // their sum
}

func newItemKind[T any](name string, fresh func(int) T, view func(*T) []byte) *itemKind[T] {
	k := &itemKind[T]{fresh: fresh, view: view}
	k.produce = mp.Func("produce"+name, k.producer)
	k.consume = mp.Func("consume"+name, k.consumer)
	return k
}

// items are the distinct ones: each is full of its index.
func (k *itemKind[T]) items(size int) []T {
	items := make([]T, distinct)
	for i := range items {
		items[i] = k.fresh(size)
		bytes := k.view(&items[i])
		for j := range bytes {
			bytes[j] = byte(i)
		}
	}
	return items
}

func (k *itemKind[T]) producer(ctx context.Context, end queueEnd[T]) (struct{}, error) {
	items := k.items(end.Size)
	put := func(n int) error {
		for i := range n {
			if err := end.Queue.Put(ctx, items[i%distinct]); err != nil {
				return err
			}
		}
		return nil
	}
	if err := put(end.Warm); err != nil {
		return struct{}{}, err
	}
	if _, err := end.Start.Wait(ctx); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, put(end.N)
}

func (k *itemKind[T]) consumer(ctx context.Context, end queueEnd[T]) (taken, error) {
	if _, err := k.take(ctx, end, end.Warm); err != nil {
		return taken{}, err
	}
	if _, err := end.Start.Wait(ctx); err != nil {
		return taken{}, err
	}
	return k.take(ctx, end, end.N)
}

func (k *itemKind[T]) take(ctx context.Context, end queueEnd[T], n int) (out taken, err error) {
	var item T // one for all, for its address is taken
	for i := range n {
		if item, err = end.Queue.Get(ctx); err != nil {
			return out, err
		}
		if i == 0 {
			out.Span.Begin = time.Now().UnixNano()
		}
		bytes := k.view(&item)
		tag := bytes[0]
		if len(bytes) != end.Size || bytes[len(bytes)-1] != tag || end.Ordered && int(tag) != i%distinct {
			return out, fmt.Errorf("item %d: %w", i, errWrong)
		}
		out.Tags += int(tag)
	}
	out.Span.End = time.Now().UnixNano()
	return out, nil
}

// side is a side that tells how many items a second go through one queue, from the first taken to the last.
func (k *itemKind[T]) side(name string, t traffic) side {
	return side{name, func() (figures, error) {
		queue, err1 := shared.NewQueue[T](t.config)
		start, err2 := shared.NewBarrier(2 * t.ends)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		defer free(queue, start)
		end := queueEnd[T]{Queue: queue, Start: start, Size: t.size, Warm: t.warm, N: t.n, Ordered: t.ends == 1}
		outs, nothing := make([]taken, t.ends), make([]struct{}, t.ends)
		var runs []func(context.Context) error
		for i := range t.ends {
			runs = append(runs, inProcess(k.consume, end, &outs[i]), inProcess(k.produce, end, &nothing[i]))
		}
		if err := together(runs...); err != nil {
			return nil, err
		}
		var spans []span
		tags, want := 0, 0
		for _, out := range outs {
			spans = append(spans, out.Span)
			tags += out.Tags
			for i := range t.n {
				want += i % distinct
			}
		}
		if tags != want {
			return nil, fmt.Errorf("%s: %w", name, errWrong)
		}
		return figures{name: float64(t.ends*t.n-1) / whole(spans).Seconds()}, nil
	}}
}
