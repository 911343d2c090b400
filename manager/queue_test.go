package manager_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/shared"
)

// begin calls fn on a goroutine and returns once it waits in the server. done waits for it.
func begin(t *testing.T, m *manager.Manager, fn func() error) (done func() error) {
	t.Helper()
	before := must(m.Stats(ctx)).Waiting
	result := make(chan error, 1)
	go func() { result <- fn() }()
	eventually(t, "it waits", func() bool { return must(m.Stats(ctx)).Waiting > before })
	return func() error { return <-result }
}

// T141, T142, F208: what Python's queue proxies can.
func TestQueue(t *testing.T) {
	m := containerServer(t, 0)
	q := must(manager.NewQueue[string](m, shared.QueueConfig{Capacity: 2}))
	ok(t, q.Put(ctx, "a"))
	ok(t, q.TryPut(ctx, "b"))
	is(t, "TryPut into a full queue", q.TryPut(ctx, "c"), shared.ErrFull)
	limited, cancel := brief()
	defer cancel()
	is(t, "Put into a full queue", q.Put(limited, "c"), context.DeadlineExceeded)
	if must(q.Len(ctx)) != 2 || must(q.Get(ctx)) != "a" || must(q.TryGet(ctx)) != "b" {
		t.Error("Get")
	}
	_, err := q.TryGet(ctx)
	is(t, "TryGet of an empty queue", err, shared.ErrEmpty)
	again, cancel := brief()
	defer cancel()
	_, err = q.Get(again)
	is(t, "Get of an empty queue", err, context.DeadlineExceeded)
	joined := begin(t, m, func() error { return q.Join(ctx) })
	ok(t, q.TaskDone(ctx))
	ok(t, q.TaskDone(ctx))
	ok(t, joined())
	ok(t, q.Join(ctx))
	is(t, "TaskDone once more", q.TaskDone(ctx), shared.ErrBound)
	for _, cfg := range []shared.QueueConfig{{Capacity: -1}, {Bytes: -1}} {
		if _, err := manager.NewQueue[int](m, cfg); err == nil {
			t.Error(cfg)
		}
	}
	emptied(t, m)
}

// An item that is larger than the queue is let in when there is no other, and those behind it wait until it is gone.
func TestQueueBytes(t *testing.T) {
	q := must(manager.NewQueue[string](containerServer(t, 0), shared.QueueConfig{Bytes: 10}))
	ok(t, q.Put(ctx, strings.Repeat("x", 100)))
	is(t, "TryPut", q.TryPut(ctx, "a"), shared.ErrFull)
	must(q.Get(ctx))
	ok(t, q.TryPut(ctx, "1234"))
	ok(t, q.TryPut(ctx, "1234"))
	is(t, "TryPut", q.TryPut(ctx, ""), shared.ErrFull)
}

// Who waits is served in the order in which it came.
func TestQueueIsFair(t *testing.T) {
	m := containerServer(t, 0)
	q := must(manager.NewQueue[int](m, shared.QueueConfig{Capacity: 1}))
	const n = 5
	var got [n]int
	var waits []func() error
	for i := range n {
		waits = append(waits, begin(t, m, func() (err error) {
			got[i], err = q.Get(ctx)
			return err
		}))
	}
	for i := range n {
		ok(t, q.Put(ctx, i))
		ok(t, waits[i]())
	}
	if got != [n]int{0, 1, 2, 3, 4} {
		t.Error(got)
	}
	ok(t, q.Put(ctx, 0))
	for i := 1; i < n; i++ {
		waits[i] = begin(t, m, func() error { return q.Put(ctx, i) })
	}
	for i := range n {
		if item := must(q.Get(ctx)); item != i {
			t.Errorf("item %d is %d", i, item)
		}
	}
	for _, wait := range waits[1:] {
		ok(t, wait())
	}
}

// A small item waits behind a large one, and is let in when the large one is given up.
func TestQueuePutIsGivenUp(t *testing.T) {
	m := containerServer(t, 0)
	q := must(manager.NewQueue[string](m, shared.QueueConfig{Bytes: 10}))
	ok(t, q.Put(ctx, "1234"))
	stopped, cancel := context.WithCancel(ctx)
	large := begin(t, m, func() error { return q.Put(stopped, strings.Repeat("x", 20)) })
	small := begin(t, m, func() error { return q.Put(ctx, "5") })
	cancel()
	is(t, "the large one", large(), context.Canceled)
	ok(t, small())
	if must(q.Get(ctx)) != "1234" || must(q.Get(ctx)) != "5" {
		t.Error("the order")
	}
	emptied(t, m)
}

// T038, T039, T214, T215: a queue that is closed takes nothing more, gives what it has, and then says that it is closed.
func TestQueueClose(t *testing.T) {
	m := containerServer(t, 0)
	q := must(manager.NewQueue[int](m, shared.QueueConfig{Capacity: 2}))
	ok(t, q.Put(ctx, 0))
	ok(t, q.Put(ctx, 1))
	putter := begin(t, m, func() error { return q.Put(ctx, 2) })
	ok(t, q.Close(ctx))
	ok(t, q.Close(ctx))
	is(t, "a Put that waits", putter(), manager.ErrClosed)
	is(t, "Put", q.Put(ctx, 9), manager.ErrClosed)
	is(t, "TryPut", q.TryPut(ctx, 9), manager.ErrClosed)
	var got []int
	for x, err := range q.All(ctx) {
		ok(t, err)
		got = append(got, x)
	}
	if !slices.Equal(got, []int{0, 1}) {
		t.Error(got)
	}
	_, err := q.Get(ctx)
	is(t, "Get", err, manager.ErrClosed)
	_, err = q.TryTake(ctx)
	is(t, "TryTake", err, manager.ErrClosed)

	q = must(manager.NewQueue[int](m, shared.QueueConfig{}))
	getter := begin(t, m, func() error { _, err := q.Get(ctx); return err })
	taker := begin(t, m, func() error { _, err := q.Take(ctx); return err })
	ok(t, q.Close(ctx))
	is(t, "a Get that waits", getter(), manager.ErrClosed)
	is(t, "a Take that waits", taker(), manager.ErrClosed)
	emptied(t, m)
}

// A loop over a queue whose server ends has an error: that is not the queue's end.
func TestQueueOfServerThatEnds(t *testing.T) {
	m := must(manager.InProcess(manager.Config{}))
	q := must(manager.NewQueue[int](m, shared.QueueConfig{}))
	loop := begin(t, m, func() error {
		for _, err := range q.All(ctx) {
			return err
		}
		return errors.New("the loop ended")
	})
	ok(t, m.Stop(ctx))
	is(t, "the loop", loop(), manager.ErrClosed)
}

// An item that is taken is the queue's until it is acknowledged.
func TestQueueDelivery(t *testing.T) {
	m := containerServer(t, 0)
	q := must(manager.NewQueue[string](m, shared.QueueConfig{}))
	for _, item := range []string{"a", "b", "c"} {
		ok(t, q.Put(ctx, item))
	}
	first, second := must(q.Take(ctx)), must(q.TryTake(ctx))
	if first.Value != "a" || second.Value != "b" || must(q.Len(ctx)) != 1 {
		t.Error(first, second)
	}
	ok(t, first.Return(ctx))
	if must(q.Len(ctx)) != 2 || must(q.Get(ctx)) != "a" { // before "c"
		t.Error("it did not come back")
	}
	ok(t, second.Ack(ctx))
	for what, err := range map[string]error{
		"Ack after Return": first.Ack(ctx), "Return after Return": first.Return(ctx),
		"Ack after Ack": second.Ack(ctx), "Return after Ack": second.Return(ctx),
	} {
		is(t, what, err, manager.ErrClosed)
	}
	last := must(q.Take(ctx))
	waiting := begin(t, m, func() error {
		d, err := q.Take(ctx)
		if err == nil {
			err = d.Ack(ctx)
		}
		return err
	})
	ok(t, q.Close(ctx))
	if _, err := q.TryGet(ctx); !errors.Is(err, shared.ErrEmpty) { // closed, and not at the end
		t.Error(err)
	}
	ok(t, last.Return(ctx))
	ok(t, waiting())
	for d, err := range q.Deliveries(ctx) {
		t.Error(d, err)
	}
	var zero manager.Delivery[string]
	if zero.Ack(ctx) == nil || zero.Return(ctx) == nil || zero.String() != "Delivery(zero)" {
		t.Error("a delivery that is none")
	}
	emptied(t, m)
}
