package shared

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/codec"
	"github.com/go-multiproc/mp/internal/robust"
)

// buffers are for items whose size is not known before they are encoded.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

const keptBuffer = 4 << 20

// putCoded calls put with an item that has to be encoded.
func (q *Queue[T]) putCoded(item T, put func([]byte) error) error {
	buf := buffers.Get().(*[]byte)
	body, err := q.codec.Append((*buf)[:0], &item)
	if err != nil {
		return fmt.Errorf("mp/shared: Put: %w", err)
	}
	if err = put(body); err != nil && !q.plain {
		codec.GiveUp(body)
	}
	if *buf = body; cap(body) <= keptBuffer {
		buffers.Put(buf)
	}
	return err
}

// put puts an item, which is encoded as head and body.
func (q *Queue[T]) put(ctx context.Context, head, body []byte) error {
	for {
		done, err := q.putOnce(ctx, head, body)
		if done || err != nil {
			return err
		}
		if err := q.awaitRoom(ctx, uint64(len(head)+len(body))); err != nil {
			return err
		}
	}
}

// putOnce puts an item if there is room.
func (q *Queue[T]) putOnce(ctx context.Context, head, body []byte) (bool, error) {
	if err := q.lockPut(ctx); err != nil {
		q.passOn(q.roomBells())
		return false, err
	}
	n := uint64(len(head) + len(body))
	var err error
	done := false
	switch {
	case q.ctl.Closed.Load() != 0:
		err = ErrClosed
	case q.hasRoom(n):
		err = q.write(head, body)
		done = err == nil
	}
	more := done && q.roomBells().Load() != 0 && q.hasRoom(n) // whoever was woken for it may have been overtaken
	q.unlockPut()
	if err != nil {
		q.passOn(q.roomBells())
	}
	if done && q.itemBells().Load() != 0 { // SYNC POINT bells: after Puts
		q.wakeOne(q.itemBells())
	}
	if more {
		q.wakeRoom()
	}
	return done, err
}

// passOn wakes another: who was woken could not do what he was woken for.
func (q *Queue[T]) passOn(bells *atomic.Uint64) {
	if q.check() == nil {
		q.wakeOne(bells)
	}
}

// wakeRoom wakes who waits for room: one, if what is enough for one is enough for each.
func (q *Queue[T]) wakeRoom() {
	if q.fixed {
		q.wakeOne(q.roomBells())
	} else {
		q.wakeAll(q.roomBells())
	}
}

// hasRoom reports whether n bytes more may be put. Under the lock of who puts.
func (q *Queue[T]) hasRoom(n uint64) bool {
	c := q.ctl
	puts := c.Puts.Load()
	if fits(c, puts, c.GetsSeen, c.Tail[puts%2].Bytes, c.BytesSeen, n) {
		return true
	}
	c.GetsSeen, c.BytesSeen = taken(c)
	return fits(c, puts, c.GetsSeen, c.Tail[puts%2].Bytes, c.BytesSeen, n)
}

func fits(c *abi.QueueControl, puts, gets, in, out, n uint64) bool {
	return puts == gets || (c.Capacity == 0 || puts-gets < c.Capacity) && in-out+n <= c.Limit
}

// taken is how many items and bytes were taken, at one moment.
func taken(c *abi.QueueControl) (items, bytes uint64) {
	for {
		gets := c.Gets.Load()                             // SYNC POINT gets
		bytes := atomic.LoadUint64(&c.Head[gets%2].Bytes) // in this order also where loads change places
		if c.Gets.Load() == gets {
			return gets, bytes
		}
	}
}

func padded(n uint64) uint64 { return (n + abi.QueueAlign - 1) &^ (abi.QueueAlign - 1) }

// segment is the memory of a segment, nil if there is none.
func (q *Queue[T]) segment(n uint64) []byte {
	c := q.a.Cell(uint32(n))
	if c == nil {
		return nil
	}
	return q.a.Bytes(c.Offset.Load(), c.Size.Load())
}

// write puts the item. Under the lock of who puts.
func (q *Queue[T]) write(head, body []byte) error {
	c, n := q.ctl, uint64(len(head)+len(body))
	puts := c.Puts.Load()
	mark := c.Tail[puts%2]
	need := abi.QueueHeader + padded(n)
	var seg []byte
	if mark.Segment != 0 {
		seg = q.segment(mark.Segment)
	}
	if mark.Segment != 0 && (uint64(len(seg)) < abi.QueueHeader || mark.Offset > uint64(len(seg))-abi.QueueHeader) {
		return errDamaged
	}
	if mark.Segment == 0 || need+abi.QueueHeader > uint64(len(seg))-mark.Offset {
		next, err := q.newSegment(max(segmentSize, need+abi.QueueHeader), puts)
		if err != nil {
			return err
		}
		robust.At("put: segment made")
		if mark.Segment == 0 {
			c.First.Store(next)
		} else {
			*headerAt(seg, mark.Offset) = abi.QueueJump | next
		}
		robust.At("put: segment linked")
		mark.Segment, mark.Offset = next, 0
		if seg = q.segment(next); uint64(len(seg)) < need+abi.QueueHeader {
			return errDamaged
		}
	}
	at := mark.Offset + abi.QueueHeader
	copy(seg[at:], head)
	copy(seg[at+uint64(len(head)):], body)
	*headerAt(seg, mark.Offset) = n
	c.Tail[(puts+1)%2] = abi.QueueMark{Segment: mark.Segment, Offset: mark.Offset + need, Bytes: mark.Bytes + n}
	robust.At("put: written")
	c.Puts.Store(puts + 1) // SYNC POINT puts
	robust.At("put: there")
	return nil
}

// newSegment makes a segment whose first item will be number seq.
func (q *Queue[T]) newSegment(size, seq uint64) (uint64, error) {
	c, err := q.a.NewDirty(kindSegment, size)
	if err != nil {
		return 0, fmt.Errorf("mp/shared: Put: %w", err)
	}
	c.Parent.Store(q.a.Ref(q.cell))
	c.Seq.Store(seq)
	q.a.Publish(c)
	return uint64(q.a.Number(c)), nil
}
