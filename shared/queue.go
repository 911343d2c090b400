package shared

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/codec"
	"github.com/go-multiproc/mp/internal/park"
	"github.com/go-multiproc/mp/internal/robust"
)

// QueueConfig is what NewQueue needs to know.
type QueueConfig struct {
	// Capacity is how many items the queue holds. Defaults to no limit.
	Capacity int
	// Bytes is how many encoded bytes it holds; a larger item is let in when there is no other. Defaults to 64 MiB.
	Bytes int64
}

func (c QueueConfig) validate() error {
	switch {
	case c.Capacity < 0:
		return fmt.Errorf("mp/shared: NewQueue: Capacity is %d", c.Capacity)
	case c.Bytes < 0:
		return fmt.Errorf("mp/shared: NewQueue: Bytes is %d", c.Bytes)
	}
	return nil
}

const defaultQueueBytes = 64 << 20

// A Queue carries items from any number of processes to any number of processes. What one goroutine puts, comes out in
// that order. An item is in the queue when Put returns, wholly, whatever becomes of who put it, and no longer when Get has taken it:
// an item that was taken by a process that then died is gone with it. Where that must not be, Take instead of Get
// leaves it the queue's until it is acknowledged. All methods are safe for concurrent use.
type Queue[T any] struct {
	handle
	end *abi.Cell // of those who get
	// endMeta is its Meta, as long as there is the queue
	endMeta uint64
	ctl     *abi.QueueControl
	codec   codec.Codec[T]
	fixed   bool        // items are all of one size
	plain   bool        // no code of others decodes them: that may be done under a lock
	some    func() bool // ready

	spinning atomic.Bool // one goroutine at a time
	spin     park.Spinner
}

// NewQueue makes an empty queue. It is an error, which names the field, if T cannot cross a process boundary.
func NewQueue[T any](c QueueConfig) (*Queue[T], error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if _, err := codec.For[T](); err != nil {
		return nil, fmt.Errorf("mp/shared: NewQueue: %w", err)
	}
	a, err := create("NewQueue")
	if err != nil {
		return nil, err
	}
	if c.Bytes == 0 {
		c.Bytes = defaultQueueBytes
	}
	cell, err := makeQueue(a, c)
	if err != nil {
		return nil, fmt.Errorf("mp/shared: NewQueue: %w", err)
	}
	q := new(Queue[T])
	return q, q.open(makeHandle(a, cell))
}

// open finds the parts of a queue.
func (q *Queue[T]) open(h handle) (err error) {
	q.handle = h
	if q.codec, err = codec.For[T](); err != nil {
		return fmt.Errorf("mp/shared: Queue: %w", err)
	}
	_, q.fixed = q.codec.Plan().FixedSize()
	q.plain, q.some = q.codec.Plan().Plain(), q.ready
	if h.check() != nil {
		return nil //nolint:nilerr // its use tells
	}
	q.ctl = controlOf(h.a, h.cell)
	if q.end = h.a.Cell(uint32(h.cell.D.Load())); q.end == nil || q.ctl == nil {
		return errCorrupt
	}
	q.endMeta = q.end.Meta.Load()
	if h.check() != nil || abi.State(q.endMeta) != abi.CellLive || abi.Kind(q.endMeta) != kindQueueEnd {
		q.endMeta = 0 // it was freed meanwhile
	}
	return nil
}

// Put puts an item, as it is now, and waits for room if there is none.
func (q *Queue[T]) Put(ctx context.Context, item T) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := q.check(); err != nil {
		return err
	}
	var room [binary.MaxVarintLen64]byte
	if head, body, ok := q.codec.View(&item, room[:0]); ok {
		return q.put(ctx, head, body)
	}
	return q.putCoded(item, func(body []byte) error { return q.put(ctx, nil, body) })
}

// TryPut puts an item if there is room, else it is ErrFull.
func (q *Queue[T]) TryPut(item T) error {
	if err := q.check(); err != nil {
		return err
	}
	var room [binary.MaxVarintLen64]byte
	if head, body, ok := q.codec.View(&item, room[:0]); ok {
		return q.tryPut(head, body)
	}
	return q.putCoded(item, func(body []byte) error { return q.tryPut(nil, body) })
}

func (q *Queue[T]) tryPut(head, body []byte) error {
	done, err := q.putOnce(noWait, head, body)
	if err == nil && !done || errors.Is(err, errBusy) {
		err = ErrFull
	}
	return err
}

// Get takes the next item, and waits if there is none. Of a closed queue it takes what is left.
func (q *Queue[T]) Get(ctx context.Context) (item T, err error) {
	if err := ctx.Err(); err != nil {
		return item, err
	}
	if err := q.checkEnd(); err != nil {
		return item, err
	}
	memory := q.codec.Memory(&item)
	if memory == nil {
		return q.getCoded(ctx)
	}
	for {
		found, err := q.getOnce(ctx, memory, nil)
		if found || err != nil {
			return item, err
		}
		if err := q.awaitItem(ctx); err != nil {
			return item, err
		}
	}
}

// TryGet takes the next item if there is one, else it is ErrEmpty.
func (q *Queue[T]) TryGet() (item T, err error) {
	if err := q.checkEnd(); err != nil {
		return item, err
	}
	var found bool
	if memory := q.codec.Memory(&item); memory != nil {
		found, err = q.getOnce(noWait, memory, nil)
	} else {
		found, item, err = q.decodeOnce(noWait)
	}
	if err == nil && !found || errors.Is(err, errBusy) {
		err = ErrEmpty
	}
	return item, err
}

// All takes items until the queue is closed and empty. It ends with an error if ctx ends, or an item cannot be decoded. It can be
// used several times, and by several at once.
func (q *Queue[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			item, err := q.Get(ctx)
			if errors.Is(err, ErrClosed) || !yield(item, err) || err != nil {
				return
			}
		}
	}
}

// Len is how many items are in the queue, at one moment. What was taken and may come back is not.
func (q *Queue[T]) Len() int {
	if q.check() != nil {
		return 0
	}
	for {
		gets := q.ctl.Gets.Load()
		puts := q.ctl.Puts.Load()
		if q.ctl.Gets.Load() == gets {
			return int(puts-gets) + q.returned()
		}
	}
}

// Close ends the queue for everybody: Put fails with ErrClosed, and so does Get once it has taken what is left.
func (q *Queue[T]) Close() error {
	if err := q.lockPut(context.Background()); err != nil {
		return err
	}
	q.ctl.Closed.Store(1)
	robust.At("queue: closed")
	q.unlockPut()
	q.wakeAll(q.itemBells())
	q.wakeAll(q.roomBells())
	return nil
}

// TaskDone says that what had to be done for one item is done. It is ErrBound if that was said for every item already.
func (q *Queue[T]) TaskDone() error {
	if err := q.check(); err != nil {
		return err
	}
	for {
		done := q.ctl.Done.Load()
		if done >= q.ctl.Puts.Load() {
			return fmt.Errorf("%w: TaskDone was called for every item", ErrBound)
		}
		if q.ctl.Done.CompareAndSwap(done, done+1) {
			robust.At("queue: task done")
			q.wakeAll(q.joinBells())
			return nil
		}
	}
}

// Join waits until TaskDone was called for every item that was put. Ack is no TaskDone: who uses both Take and Join calls both.
func (q *Queue[T]) Join(ctx context.Context) error {
	if err := q.check(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var err error
	werr := q.a.F.Wait(ctx, q.joinBells(), q.tag(), func() bool {
		if err = q.check(); err != nil {
			return true
		}
		done := q.ctl.Done.Load() // before Puts: both only grow
		return done == q.ctl.Puts.Load()
	})
	return errors.Join(werr, err)
}

// Free returns the queue's memory, with the items in it. Later use of any handle on it, in any process, is ErrClosed.
func (q *Queue[T]) Free() error {
	if err := q.lockPut(context.Background()); err != nil {
		return err
	}
	if err := q.lockGet(context.Background()); err != nil {
		q.unlockPut()
		return err
	}
	// Nobody is in its segments now, and nobody gets in: the locks go with the queue.
	return q.handle.Free()
}

// String names the queue and tells how much is in it.
func (q *Queue[T]) String() string {
	name, ok := q.name("Queue")
	if !ok {
		return name
	}
	closed := ""
	if q.ctl.Closed.Load() != 0 {
		closed = ", closed"
	}
	return fmt.Sprintf("%s(%d items%s)", name, q.Len(), closed)
}

// MarshalBinary implements encoding.BinaryMarshaler: what travels is the handle.
func (q *Queue[T]) MarshalBinary() ([]byte, error) { return q.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (q *Queue[T]) UnmarshalBinary(b []byte) error {
	var h handle
	if err := h.unmarshal(b, kindQueue); err != nil {
		return err
	}
	return q.open(h)
}
