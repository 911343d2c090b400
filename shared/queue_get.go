package shared

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/codec"
	"github.com/go-multiproc/mp/internal/robust"
)

// getCoded is Get for items that have to be decoded.
func (q *Queue[T]) getCoded(ctx context.Context) (T, error) {
	for {
		found, item, err := q.decodeOnce(ctx)
		if found || err != nil {
			return item, err
		}
		if err := q.awaitItem(ctx); err != nil {
			return item, err
		}
	}
}

// decodeOnce takes an item if there is one. Code of others decodes it when the lock was given back, from a copy.
func (q *Queue[T]) decodeOnce(ctx context.Context) (found bool, item T, err error) {
	if q.plain {
		found, err = q.getOnce(ctx, nil, func(rec []byte) error { return q.decode(rec, &item) })
		return found, item, err
	}
	var body []byte
	found, err = q.getOnce(ctx, nil, func(rec []byte) error { body = append(body, rec...); return nil })
	if found && err == nil {
		err = q.decode(body, &item)
	}
	return found, item, err
}

func (q *Queue[T]) decode(body []byte, item *T) error {
	rest, err := q.codec.Decode(body, item)
	if err == nil && len(rest) > 0 {
		err = codec.ErrCorrupt
	}
	if err != nil {
		return fmt.Errorf("mp/shared: an item that cannot be decoded: %w", err)
	}
	return nil
}

// getOnce takes an item if there is one: into memory, if there is that, else it calls take with it, under the lock.
func (q *Queue[T]) getOnce(ctx context.Context, memory []byte, take func(rec []byte) error) (found bool, err error) {
	if !q.ready() {
		return false, q.drained()
	}
	if err := q.lockGet(ctx); err != nil {
		q.passOn(q.itemBells())
		return false, err
	}
	into := func(rec []byte) error {
		if memory == nil {
			return take(rec)
		}
		if copy(memory, rec) != len(memory) || len(rec) != len(memory) {
			return errDamaged
		}
		return nil
	}
	if d := q.claim(); d != nil {
		q.leave(0)
		err = into(q.bodyOf(d))
		q.remove(d, d.Meta.Load()) // last: what is removed becomes another's memory
		return true, err
	}
	var emptied uint64
	if found = q.next(); found {
		rec, mark, old, rerr := q.read()
		if rerr != nil {
			q.unlockGet()
			return false, rerr
		}
		err, emptied = into(rec), old // what cannot be decoded is taken as well: it will not get better
		q.advance(mark)
	}
	q.leave(emptied)
	return found, err
}

// next reports whether there is a record. Under the lock of who gets.
func (q *Queue[T]) next() bool {
	c := q.ctl
	gets := c.Gets.Load()
	if c.PutsSeen <= gets {
		atomic.StoreUint64(&c.PutsSeen, c.Puts.Load()) // SYNC POINT puts
	}
	return c.PutsSeen > gets
}

// errDamaged reports an object in whose memory somebody wrote who should not.
var errDamaged = errors.New("mp/shared: the object is damaged")

// read is the next record, the place behind it, and the segment that has nothing more, if it was the last of one. Under the
// lock of who gets.
func (q *Queue[T]) read() (rec []byte, after abi.QueueMark, emptied uint64, err error) {
	c := q.ctl
	mark := c.Head[c.Gets.Load()%2]
	if mark.Segment == 0 {
		mark.Segment = c.First.Load()
	}
	seg, n := q.record(mark)
	if seg != nil && n&abi.QueueJump != 0 {
		emptied = mark.Segment
		mark.Segment, mark.Offset = n&^abi.QueueJump, 0
		seg, n = q.record(mark)
	}
	at := mark.Offset + abi.QueueHeader
	if seg == nil || n > uint64(len(seg)) || at+n > uint64(len(seg)) {
		return nil, mark, 0, errDamaged
	}
	return seg[at : at+n], abi.QueueMark{Segment: mark.Segment, Offset: at + padded(n), Bytes: mark.Bytes + n}, emptied, nil
}

// record is a segment and the header of a record in it; nil if there is none.
func (q *Queue[T]) record(mark abi.QueueMark) (seg []byte, header uint64) {
	seg = q.segment(mark.Segment)
	if uint64(len(seg)) < abi.QueueHeader || mark.Offset > uint64(len(seg))-abi.QueueHeader {
		return nil, 0
	}
	return seg, *headerAt(seg, mark.Offset)
}

// advance takes the record in front of a place. Under the lock of who gets.
func (q *Queue[T]) advance(after abi.QueueMark) {
	c := q.ctl
	gets := c.Gets.Load()
	c.Head[(gets+1)%2] = after
	robust.At("get: read")
	c.Gets.Store(gets + 1) // SYNC POINT gets
	robust.At("get: taken")
}

// leave gives back the lock of who gets, and a segment that is empty.
func (q *Queue[T]) leave(emptied uint64) {
	if emptied != 0 {
		if c := q.a.Cell(uint32(emptied)); c != nil {
			q.a.Remove(c, c.Meta.Load())
		}
		robust.At("get: segment freed")
	}
	q.unlockGet()
	if q.roomBells().Load() != 0 { // SYNC POINT bells: after Gets
		q.wakeRoom()
	}
	if q.itemBells().Load() != 0 && q.ready() { // whoever was woken for it may have been overtaken
		q.wakeOne(q.itemBells())
	}
}

// ready reports whether there may be something to get.
func (q *Queue[T]) ready() bool {
	c := q.ctl
	gets := c.Gets.Load()
	// What was seen is on a line of those who get: it may be old, and says then that there is nothing more.
	return atomic.LoadUint64(&c.PutsSeen) > gets || c.Puts.Load() != gets || c.Returned.Load() > 0
}

// drained is ErrClosed if nothing will come any more.
func (q *Queue[T]) drained() error {
	if err := q.check(); err != nil {
		return err // it was freed while somebody waited
	}
	if q.ctl.Closed.Load() == 0 || q.ready() || q.outstanding() {
		return nil
	}
	return ErrClosed
}
