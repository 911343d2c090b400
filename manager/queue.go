package manager

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/go-multiproc/mp/internal/codec"
	"github.com/go-multiproc/mp/shared"
)

// A Queue carries items from any number of processes to any number of processes, through the server. It means what a
// shared.Queue means: an item is in the queue when Put returns, whatever becomes of who put it, and no longer when Get has taken it; where
// it must not be lost with who took it, Take leaves it the queue's until it is acknowledged. Who waits is served in order. Items
// are copies, and may be or contain proxies of other objects. All methods are safe for concurrent use.
type Queue[T any] struct {
	proxy

	item codec.Codec[T]
}

const defaultQueueBytes = 64 << 20

// NewQueue makes an empty Queue. It is an error, which names the field, if T cannot cross a process boundary. Of the bytes, items count that
// are in the queue, neither those that wait to be put nor those that were taken.
func NewQueue[T any](m *Manager, cfg shared.QueueConfig) (*Queue[T], error) {
	switch {
	case cfg.Capacity < 0:
		return nil, fmt.Errorf("mp/manager: NewQueue: Capacity is %d", cfg.Capacity)
	case cfg.Bytes < 0:
		return nil, fmt.Errorf("mp/manager: NewQueue: Bytes is %d", cfg.Bytes)
	case cfg.Bytes == 0:
		cfg.Bytes = defaultQueueBytes
	}
	q, err := queueOf[T]()
	if err != nil {
		return nil, err
	}
	return newProxy(m, q, &q.proxy, kindQueue, q.signature(), func(r *request) { r.int(cfg.Capacity).int(int(cfg.Bytes)) })
}

func queueOf[T any]() (q *Queue[T], err error) {
	q = new(Queue[T])
	q.item, err = codecFor[T]("an item")
	return q, err
}

func (q *Queue[T]) signature() uint64 { return signature(q.item.Plan()) }

// Put puts an item, as it is now, and waits for room if there is none. When ctx ends meanwhile it is not put, unless the server does not
// say so within a second: then it may be.
func (q *Queue[T]) Put(ctx context.Context, item T) error {
	return do(ctx, add(q.ask(queuePut), q.item, &item))
}

// TryPut puts an item if there is room, else it is shared.ErrFull.
func (q *Queue[T]) TryPut(ctx context.Context, item T) error {
	return do(ctx, add(q.ask(queueTryPut), q.item, &item))
}

// Get takes the next item, and waits if there is none. Of a closed queue it takes what is left, and then is ErrClosed.
func (q *Queue[T]) Get(ctx context.Context) (T, error) { return q.get(ctx, queueGet) }

// TryGet takes the next item if there is one, else it is shared.ErrEmpty.
func (q *Queue[T]) TryGet(ctx context.Context) (T, error) { return q.get(ctx, queueTryGet) }

func (q *Queue[T]) get(ctx context.Context, method uint8) (T, error) {
	return get(ctx, q.take(method, queueUngot), q.item)
}

// All takes items until the queue is closed and empty. It ends after an error. It can be used several times, and by several at once.
func (q *Queue[T]) All(ctx context.Context) iter.Seq2[T, error] { return untilClosed(ctx, q.Get) }

// untilClosed are the results of get until the queue's end.
func untilClosed[T any](ctx context.Context, get func(context.Context) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, err := get(ctx)
			if err == ErrClosed { //nolint:errorlint // that the server has ended is another error, with this one in it
				return
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// Len is how many items are in the queue, at one moment. What was taken and may come back is not.
func (q *Queue[T]) Len(ctx context.Context) (int, error) { return getInt(ctx, q.read(queueLen)) }

// Close ends the queue for everybody: Put fails with ErrClosed, also where it waits, and so does Get once it has taken what is left.
func (q *Queue[T]) Close(ctx context.Context) error {
	r := q.ask(queueClose)
	r.safe = true
	return do(ctx, r)
}

// TaskDone says that what had to be done for one item is done, also if ctx has ended. It is shared.ErrBound if that was said for every item
// already.
func (q *Queue[T]) TaskDone(ctx context.Context) error { return q.giveBack(ctx, queueTaskDone) }

// Join waits until TaskDone was called for every item that was put. Ack is no TaskDone: who uses both Take and Join calls both.
func (q *Queue[T]) Join(ctx context.Context) error { return do(ctx, q.read(queueJoin)) }

// A Delivery is an item that Take gave. It comes back to the queue, for another to take, when Return is called or this process's
// connection to the server ends, and is gone when Ack is called: each item is taken at least once, and may be taken again. All methods
// are safe for concurrent use.
type Delivery[T any] struct {
	Value T

	q  *Queue[T]
	id uint64
}

// Take is Get for an item that must not be lost with this process: it stays the queue's until the delivery is acknowledged.
func (q *Queue[T]) Take(ctx context.Context) (*Delivery[T], error) { return q.taken(ctx, queueTake) }

// TryTake is Take if there is an item, else it is shared.ErrEmpty.
func (q *Queue[T]) TryTake(ctx context.Context) (*Delivery[T], error) {
	return q.taken(ctx, queueTryTake)
}

func (q *Queue[T]) taken(ctx context.Context, method uint8) (*Delivery[T], error) {
	r := q.lock(method, queueUntaken)
	defer r.done()
	if err := r.send(ctx); err != nil {
		return nil, err
	}
	a := r.answer()
	d := &Delivery[T]{q: q, id: a.uint()}
	if a.bad {
		return nil, errMessage
	}
	var err error
	if d.Value, err = decode(q.item, a.left); err != nil {
		_ = d.Ack(ctx) // it will not get better
		return nil, err
	}
	return d, nil
}

// Deliveries takes items until the queue is closed and nothing will come back to it. It ends after an error. A delivery that was not
// acknowledged when the loop goes on is still this process's.
func (q *Queue[T]) Deliveries(ctx context.Context) iter.Seq2[*Delivery[T], error] {
	return untilClosed(ctx, q.Take)
}

// Ack says that what had to be done for the item is done, also if ctx has ended. (Who waits in Join waits for TaskDone.) It is ErrClosed
// if that was said before, or the delivery came back.
func (d *Delivery[T]) Ack(ctx context.Context) error { return d.settle(ctx, queueAck) }

// Return gives the item back to the queue, before all others, also if ctx has ended. It is ErrClosed where Ack is.
func (d *Delivery[T]) Return(ctx context.Context) error { return d.settle(ctx, queueReturn) }

func (d *Delivery[T]) settle(ctx context.Context, method uint8) error {
	if d.q == nil {
		return errors.New("mp/manager: a zero Delivery: Take makes one")
	}
	r := d.q.ask(method).uint(d.id)
	r.owed = true
	return do(ctx, r)
}

// String names the delivery and its queue.
func (d *Delivery[T]) String() string {
	if d.q == nil {
		return "Delivery(zero)"
	}
	return fmt.Sprintf("Delivery(%v of %v)", d.Value, d.q)
}

// MarshalBinary implements encoding.BinaryMarshaler: the proxy travels.
func (q *Queue[T]) MarshalBinary() ([]byte, error) { return q.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (q *Queue[T]) UnmarshalBinary(b []byte) error {
	fresh, err := queueOf[T]()
	if err != nil {
		return err
	}
	*q = *fresh
	return q.unmarshal(b, kindQueue, q.signature())
}

// String names the Queue.
func (q *Queue[T]) String() string { return q.name("Queue") }
