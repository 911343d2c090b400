package shared_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

type job struct {
	Name  string
	Parts []part
	Notes map[string]*part
	Err   error
	Any   any
	Queue *shared.Queue[int]
}

type part struct {
	N    int64
	Data []byte
}

type queues[T any] struct {
	In, Out *shared.Queue[T]
	Times   int
}

func newQueues[T any](t *testing.T, c shared.QueueConfig) queues[T] {
	t.Helper()
	return queues[T]{fresh(shared.NewQueue[T](c))(t), fresh(shared.NewQueue[T](c))(t), 0}
}

// pass moves items from one queue to the other until the first is closed, and says how many.
func pass[T any](ctx context.Context, q queues[T]) (n int, err error) {
	for item, err := range q.In.All(ctx) {
		if err == nil {
			err = q.Out.Put(ctx, item)
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

var (
	passInts    = mp.Func("passInts", pass[int])
	passStrings = mp.Func("passStrings", pass[string])
	passBytes   = mp.Func("passBytes", pass[[]byte])
	passJobs    = mp.Func("passJobs", pass[job])
	passNothing = mp.Func("passNothing", pass[struct{}])
	passRows    = mp.Func("passRows", pass[[7]uint16])
)

// carries sends items to another process and back.
func carries[T any](t *testing.T, f *mp.Function[queues[T], int], items ...T) {
	t.Helper()
	t.Run(reflect.TypeFor[T]().String(), func(t *testing.T) {
		onBoth(t, func(t *testing.T, where venue) {
			q := newQueues[T](t, shared.QueueConfig{})
			var wg sync.WaitGroup
			wg.Go(func() {
				if n := everywhere(t, where, f, q)[0]; n != len(items) {
					t.Errorf("%d of %d passed", n, len(items))
				}
			})
			for i, item := range items {
				if err := q.In.Put(ctx, item); err != nil {
					t.Fatalf("item %d: %v", i, err)
				}
			}
			for i, item := range items {
				if got, err := q.Out.Get(ctx); err != nil || !reflect.DeepEqual(got, item) {
					t.Errorf("item %d: %#v, %v; it was %#v", i, got, err, item)
				}
			}
			ok(t, q.In.Close())
			wg.Wait()
		})
	})
}

// T031, T213: items of any type arrive, in order.
func TestQueueCarries(t *testing.T) {
	carries(t, passInts, 0, -1, 1<<62)
	carries(t, passStrings, "", "a", strings.Repeat("long ", 100_000), "nul\x00", "\xff")
	carries(t, passBytes, nil, []byte{}, []byte{0}, make([]byte, 65_527), make([]byte, 65_528), make([]byte, 65_529), make([]byte, 1<<20))
	carries(t, passNothing, struct{}{}, struct{}{}, struct{}{})
	carries(t, passRows, [7]uint16{1, 2, 3, 4, 5, 6, 7}, [7]uint16{})
	carries(t, passJobs, job{}, job{
		Name: "n", Parts: []part{{1, nil}, {2, []byte("x")}}, Notes: map[string]*part{"a": {3, nil}, "nil": nil},
		Any: 7,
	})
}

// An error in an item is known again.
func TestQueueCarriesErrors(t *testing.T) {
	noLeaks(t)
	q := fresh(shared.NewQueue[job](shared.QueueConfig{}))(t)
	ok(t, q.Put(ctx, job{Err: fmt.Errorf("in between: %w", shared.ErrBroken)}))
	got, err := q.Get(ctx)
	ok(t, err)
	wants(t, got.Err.Error(), got.Err, shared.ErrBroken)
}

// T030: a queue for six items is full after six, however they are put, and empty after six were taken.
func TestQueueCapacity(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		q := newQueues[int](t, shared.QueueConfig{Capacity: 6})
		for i := range 6 {
			if q.In.Len() != i {
				t.Errorf("%d items after %d puts", q.In.Len(), i)
			}
			if i%2 == 0 {
				ok(t, q.In.Put(ctx, i))
			} else {
				ok(t, q.In.TryPut(i))
			}
		}
		wants(t, "TryPut of a seventh", q.In.TryPut(6), shared.ErrFull)
		lasts(t, func(ctx context.Context) error { return q.In.Put(ctx, 6) })
		if q.In.Len() != 6 || !strings.HasPrefix(q.In.String(), "Queue#") || !strings.HasSuffix(q.In.String(), "(6 items)") {
			t.Error(q.In)
		}
		ok(t, q.In.Close())
		everywhere(t, where, passInts, q)
		if q.In.Len() != 0 || q.Out.Len() != 6 {
			t.Error(q)
		}
		for i := range 6 {
			if got, err := q.Out.TryGet(); got != i || err != nil {
				t.Errorf("item %d: %d, %v", i, got, err)
			}
		}
	})
}

// T031, T035: there is nothing to get: at once, or after as long as it was to wait.
func TestQueueEmpty(t *testing.T) {
	noLeaks(t)
	q := fresh(shared.NewQueue[int](shared.QueueConfig{}))(t)
	empty := func() {
		t.Helper()
		_, err := q.TryGet()
		wants(t, "TryGet", err, shared.ErrEmpty)
		_, err = q.TryTake()
		wants(t, "TryTake", err, shared.ErrEmpty)
		lasts(t, func(ctx context.Context) error { _, err := q.Get(ctx); return err })
		lasts(t, func(ctx context.Context) error { _, err := q.Take(ctx); return err })
		lasts(t, func(ctx context.Context) error {
			for _, err := range q.All(ctx) {
				return err
			}
			return nil
		})
	}
	empty()
	ok(t, q.Put(ctx, 1))
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	_, err := q.Get(canceled)
	wants(t, "Get with a context that has ended", err, context.Canceled)
	if got, err := q.Get(ctx); got != 1 || err != nil {
		t.Errorf("what nobody got: %d, %v", got, err)
	}
	empty()
}

// T033, W09: Len is exact.
func TestQueueLen(t *testing.T) {
	noLeaks(t)
	q := fresh(shared.NewQueue[string](shared.QueueConfig{}))(t)
	for i, step := range []struct {
		do   func() error
		want int
	}{
		{func() error { return nil }, 0},
		{func() error { return q.Put(ctx, "a") }, 1},
		{func() error { return q.Put(ctx, "b") }, 2},
		{func() error { _, err := q.Get(ctx); return err }, 1},
		{func() error { _, err := q.TryGet(); return err }, 0},
	} {
		ok(t, step.do())
		if q.Len() != step.want {
			t.Errorf("step %d: %d items, want %d", i, q.Len(), step.want)
		}
	}
}

// Capacity in bytes: what does not fit waits for room, and room for one is enough for one.
func TestQueueBytes(t *testing.T) {
	noLeaks(t)
	const item = 1000 - 2 // with its length, 1000
	q := fresh(shared.NewQueue[string](shared.QueueConfig{Bytes: 3000}))(t)
	for range 3 {
		ok(t, q.TryPut(strings.Repeat("x", item)))
	}
	wants(t, "TryPut of a byte too many", q.TryPut(""), shared.ErrFull)
	lasts(t, func(ctx context.Context) error { return q.Put(ctx, "") })
	_, err := q.Get(ctx)
	ok(t, err)
	wants(t, "TryPut of what is larger than the room", q.TryPut(strings.Repeat("x", item+1)), shared.ErrFull)
	ok(t, q.TryPut(strings.Repeat("x", item)))
	if q.Len() != 3 {
		t.Error(q)
	}
}

// A config that means nothing, and a type that cannot cross, are errors that name the field.
func TestNewQueueRefuses(t *testing.T) {
	noLeaks(t)
	for field, c := range map[string]shared.QueueConfig{"Capacity": {Capacity: -1}, "Bytes": {Bytes: -1}} {
		if _, err := shared.NewQueue[int](c); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := shared.NewQueue[struct{ Done chan int }](shared.QueueConfig{}); err == nil || !strings.Contains(err.Error(), "Done") {
		t.Error(err)
	}
}

// picky cannot always be encoded.
type picky struct{ Bad bool }

var errPicky = errors.New("not today")

func (p picky) MarshalBinary() ([]byte, error) {
	if p.Bad {
		return nil, errPicky
	}
	return []byte{1}, nil
}

func (p *picky) UnmarshalBinary(b []byte) error {
	if len(b) != 1 {
		return fmt.Errorf("%d bytes", len(b))
	}
	return nil
}

// T037, H18, W08: who puts what cannot be encoded is told, and the queue is as it was, its room too.
func TestQueueItemThatCannotBeEncoded(t *testing.T) {
	noLeaks(t)
	q := fresh(shared.NewQueue[picky](shared.QueueConfig{Capacity: 1}))(t)
	for range 3 {
		wants(t, "Put", q.Put(ctx, picky{true}), errPicky)
		wants(t, "TryPut", q.TryPut(picky{true}), errPicky)
	}
	if q.Len() != 0 {
		t.Error(q)
	}
	ok(t, q.TryPut(picky{}))
	_, err := q.TryGet()
	ok(t, err)

	type ring struct{ Next *ring }
	r := new(ring)
	r.Next = r
	rings := fresh(shared.NewQueue[*ring](shared.QueueConfig{}))(t)
	if err := rings.Put(ctx, r); err == nil || rings.Len() != 0 {
		t.Errorf("an item without an end: %v, %v", err, rings)
	}
}

// W08: what was put is what arrives, whatever becomes of it afterwards.
func TestQueuePutCopies(t *testing.T) {
	noLeaks(t)
	q := fresh(shared.NewQueue[[]byte](shared.QueueConfig{}))(t)
	item := []byte("before")
	ok(t, q.Put(ctx, item))
	copy(item, "after!")
	first, err := q.Get(ctx)
	ok(t, err)
	ok(t, q.Put(ctx, first))
	copy(first, "later!")
	if second, err := q.Get(ctx); string(second) != "before" || err != nil {
		t.Errorf("%s, %v", second, err)
	}
}
