package shared

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/arena"
	"github.com/go-multiproc/mp/internal/robust"
)

// A Delivery is an item that Take gave. It comes back to the queue, for another to take, when Return is called or the
// process ends, and is gone when Ack is called: each item is taken at least once, and may be taken again. All methods are safe
// for concurrent use.
type Delivery[T any] struct {
	Value T

	q    *Queue[T]
	cell *abi.Cell
	meta uint64
	over atomic.Bool // acknowledged or returned: the cell may be this process's again, for another delivery
}

// The cell of a delivery: its memory is the encoded item, B its size; C is the slot of who has it, 0 if it came back; A is 1 from then
// on, until somebody has it again; Seq is the item's number.

// Take is Get for an item that must not be lost with this process: it stays the queue's until the delivery is acknowledged.
func (q *Queue[T]) Take(ctx context.Context) (*Delivery[T], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for {
		d, err := q.takeOnce(ctx)
		if d != nil || err != nil {
			return d, err
		}
		if err := q.awaitItem(ctx); err != nil {
			return nil, err
		}
	}
}

// Deliveries takes items until the queue is closed and nothing will come back to it. It ends with an error if ctx ends, or an item
// cannot be decoded. A delivery that was not acknowledged when the loop goes on is still this process's.
func (q *Queue[T]) Deliveries(ctx context.Context) iter.Seq2[*Delivery[T], error] {
	return func(yield func(*Delivery[T], error) bool) {
		for {
			d, err := q.Take(ctx)
			if errors.Is(err, ErrClosed) || !yield(d, err) || err != nil {
				return
			}
		}
	}
}

// TryTake is Take if there is an item, else it is ErrEmpty.
func (q *Queue[T]) TryTake() (*Delivery[T], error) {
	d, err := q.takeOnce(noWait)
	if d == nil && err == nil || errors.Is(err, errBusy) {
		err = ErrEmpty
	}
	return d, err
}

func (q *Queue[T]) takeOnce(ctx context.Context) (*Delivery[T], error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	if !q.ready() {
		return nil, q.drained()
	}
	if err := q.lockGet(ctx); err != nil {
		q.passOn(q.itemBells())
		return nil, err
	}
	c := q.claim()
	var emptied uint64
	if c == nil && q.next() {
		var err error
		if c, emptied, err = q.hold(); err != nil {
			q.unlockGet()
			q.passOn(q.itemBells())
			return nil, err
		}
	}
	if c == nil {
		q.leave(emptied)
		return nil, nil //nolint:nilnil // there is none
	}
	d := &Delivery[T]{q: q, cell: c, meta: c.Meta.Load()}
	q.leave(emptied)
	err := q.decode(q.bodyOf(c), &d.Value)
	if c.Meta.Load() != d.meta {
		return nil, ErrClosed // the queue was freed, and what was decoded may be anything
	}
	if err != nil {
		_ = d.Ack() // it will not get better
		return nil, err
	}
	return d, nil
}

// hold takes the next record, and keeps a copy of it. The copy comes first, and says by its number whether the record was taken
// as well. Under the lock of who gets.
func (q *Queue[T]) hold() (c *abi.Cell, emptied uint64, err error) {
	rec, mark, emptied, err := q.read()
	if err != nil {
		return nil, 0, err
	}
	c, err = q.a.NewDirty(kindDelivery, uint64(len(rec)))
	if err != nil {
		return nil, 0, err
	}
	copy(q.bodyOf(c), rec)
	c.B.Store(uint64(len(rec)))
	c.Parent.Store(q.a.Ref(q.cell))
	c.Seq.Store(q.ctl.Gets.Load())
	c.C.Store(uint64(q.me))
	robust.At("take: copied")
	q.a.Publish(c)
	q.advance(mark)
	return c, emptied, nil
}

// bodyOf is the item in a delivery's cell.
func (q *Queue[T]) bodyOf(c *abi.Cell) []byte {
	if c.Size.Load() == 0 {
		return nil
	}
	return q.a.Bytes(c.Offset.Load(), c.Size.Load())
}

// Ack says that what had to be done for the item is done. (Who waits in Join waits for TaskDone.) It is ErrClosed if that was said before, or the delivery came
// back.
func (d *Delivery[T]) Ack() error {
	if err := d.end(); err != nil {
		return err
	}
	if !d.q.remove(d.cell, d.meta) {
		return ErrClosed
	}
	robust.At("take: acknowledged")
	return nil
}

// Return gives the item back to the queue, before all others. It is ErrClosed where Ack is.
func (d *Delivery[T]) Return() error {
	if err := d.end(); err != nil {
		return err
	}
	if !giveBack(d.q.a, d.cell, d.meta) {
		return ErrClosed
	}
	d.q.wakeOne(d.q.itemBells())
	return nil
}

// String names the delivery and its queue.
func (d *Delivery[T]) String() string {
	if d.q == nil {
		return "Delivery(zero)"
	}
	return fmt.Sprintf("Delivery(%v of %v)", d.Value, d.q)
}

// end makes the caller the one who ends the delivery.
func (d *Delivery[T]) end() error {
	if d.q == nil {
		return errZero
	}
	if err := d.q.check(); err != nil {
		return err
	}
	if !d.over.CompareAndSwap(false, true) {
		return ErrClosed
	}
	return nil
}

// remove ends a delivery of this process's for good, and tells who waits for the end of the queue if it was perhaps the last.
func (q *Queue[T]) remove(c *abi.Cell, meta uint64) bool {
	removed := q.a.Remove(c, meta)
	if removed && q.ctl.Closed.Load() != 0 {
		q.wakeAll(q.itemBells())
	}
	return removed
}

// giveBack makes a delivery one that came back, with the store to C. It reports false if the queue is freed, which it cannot be meanwhile.
func giveBack(a *arena.Arena, c *abi.Cell, meta uint64) (done bool) {
	a.Alive(c, meta, func() {
		queue := a.Referred(c.Parent.Load())
		if queue == nil {
			return
		}
		ctl := controlOf(a, queue)
		if ctl == nil {
			return
		}
		c.A.Store(1)
		robust.At("return: marked")
		c.C.Store(0) // SYNC POINT delivery
		robust.At("return: there")
		ctl.Returned.Add(1) // if it dies before, buryQueue does that
		robust.At("return: counted")
		done = true
	})
	return done
}

// claim makes a delivery that came back this process's; nil if there is none. Under the lock of who gets.
func (q *Queue[T]) claim() *abi.Cell {
	before := q.ctl.Returned.Load()
	if before == 0 {
		return nil
	}
	var found *abi.Cell
	coming := uint64(0)
	q.a.Parts(q.a.Ref(q.cell), func(c *abi.Cell, meta uint64) {
		switch {
		case abi.Kind(meta) != kindDelivery || c.A.Load() == 0 || c.C.Load() != 0:
		case found == nil && c.C.CompareAndSwap(0, uint64(q.me)): // SYNC POINT delivery
			robust.At("claim: owned")
			c.A.Store(0)
			found = c
		default:
			coming++
		}
	})
	// It is a hint that may be too large, if another comes just now, and never too small: who is on the way adds 1 later.
	q.ctl.Returned.CompareAndSwap(before, coming)
	robust.At("claim: counted")
	return found
}

// returned is how many deliveries have come back. Returned is but a hint.
func (q *Queue[T]) returned() (n int) {
	if q.ctl.Returned.Load() == 0 {
		return 0
	}
	q.a.Parts(q.a.Ref(q.cell), func(c *abi.Cell, meta uint64) {
		if abi.Kind(meta) == kindDelivery && c.A.Load() == 1 && c.C.Load() == 0 {
			n++
		}
	})
	return n
}

// outstanding reports whether there is a delivery that may come back.
func (q *Queue[T]) outstanding() bool {
	found := false
	q.a.Parts(q.a.Ref(q.cell), func(_ *abi.Cell, meta uint64) { found = found || abi.Kind(meta) == kindDelivery })
	return found
}

// buryDelivery gives back what a dead process had taken. What it was about to take is in the queue still, for it has the lock
// that keeps others from it.
func buryDelivery(a *arena.Arena, c *abi.Cell, meta uint64, dead uint32) {
	if c.C.Load() != uint64(dead) {
		return
	}
	queue := a.Referred(c.Parent.Load())
	if queue != nil {
		if ctl := controlOf(a, queue); ctl == nil || c.Seq.Load() >= ctl.Gets.Load() {
			queue = nil
		}
	}
	if queue == nil {
		a.Remove(c, meta)
		return
	}
	giveBack(a, c, meta)
}
