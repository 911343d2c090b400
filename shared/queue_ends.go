package shared

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/arena"
	"github.com/go-multiproc/mp/internal/codec"
	"github.com/go-multiproc/mp/internal/race"
	"github.com/go-multiproc/mp/internal/robust"
)

// A queue is two cells, one for each end, with a lock each, a control block, and a chain of segments with records. An item is
// put with one store, to Puts, and taken with one store, to Gets; all that these stores make valid is written before them, beside
// what is valid until then. So who dies with a lock leaves nothing to repair but segments that are not linked yet, or not any
// more, and the sweep finds these by their Seq, the number of the first item that was to go there.
//
//	Lock      who puts; of the other cell: who gets
//	Waiting   who waits for that lock
//	D         the other cell
//	Waiting2  who waits in Join
//	E         who waits for room; of the other cell: for items
func init() {
	arena.Kinds[kindQueue] = arena.Kind{Bury: buryQueue, End: endQueue}
	arena.Kinds[kindQueueEnd] = arena.Kind{Part: true}
	arena.Kinds[kindSegment] = arena.Kind{Part: true}
	arena.Kinds[kindDelivery] = arena.Kind{Part: true, Bury: buryDelivery}
}

const (
	segmentSize = 64 << 10
	// busyLimit is how long a call that does not wait may find an end locked: the lock is held for a copy of an item.
	busyLimit = time.Millisecond
)

// Gates of a queue, which all handles of a process have in common: who leaves takes the process's bell away, and must be the only
// one who waits.
const (
	putGate = iota
	getGate
	itemGate
	roomGate
)

func makeQueue(a *arena.Arena, c QueueConfig) (*abi.Cell, error) {
	q, err := a.New(kindQueue, controlSize)
	if err != nil {
		return nil, err
	}
	ctl := controlOf(a, q)
	ctl.Capacity, ctl.Limit = uint64(c.Capacity), uint64(c.Bytes)
	end, err := a.New(kindQueueEnd, 0)
	if err != nil {
		a.Free(q)
		return nil, err
	}
	end.Parent.Store(a.Ref(q))
	robust.At("queue: end made")
	a.Publish(end)
	q.D.Store(uint64(a.Number(end)))
	a.Publish(q)
	return q, nil
}

func (q *Queue[T]) itemBells() *atomic.Uint64 { return &q.end.E }
func (q *Queue[T]) roomBells() *atomic.Uint64 { return &q.cell.E }
func (q *Queue[T]) joinBells() *atomic.Uint64 { return &q.cell.Waiting2 }

func (q *Queue[T]) lock(c *abi.Cell, gate int) robust.Lock {
	return q.handle.lock(c, &q.local.Gates[gate])
}

// checkEnd is check for who gets: it looks at nothing that those who put write to all the time. The other end goes last when a queue
// is freed, and with its lock held.
func (q *Queue[T]) checkEnd() error {
	if q.end == nil || q.end.Meta.Load() != q.endMeta {
		if err := q.check(); err != nil {
			return err
		}
		return ErrClosed
	}
	return nil
}

// errBusy reports an end that others are at, to who did not want to wait.
var errBusy = errors.New("mp/shared: others are at it")

// lockEnd takes the lock of one end. That its last owner died means nothing: an end is always whole. With noWait it does not
// wait for longer than others who are running take.
func (q *Queue[T]) lockEnd(ctx context.Context, c *abi.Cell, gate int) error {
	if !c.Lock.CompareAndSwap(0, q.me) {
		l := q.lock(c, gate)
		if ctx == noWait {
			if !l.TryFor(busyLimit) {
				return errBusy
			}
		} else if _, err := l.Lock(ctx); err != nil {
			return public(err)
		}
	}
	robust.At("lock: taken")
	check := q.check
	if c == q.end {
		check = q.checkEnd
	}
	if err := check(); err != nil { // the cell is another object's by now
		q.unlockEnd(c, gate)
		return err
	}
	race.Acquire(q.local)
	return nil
}

func (q *Queue[T]) unlockEnd(c *abi.Cell, gate int) {
	race.Release(q.local)
	if !c.Lock.CompareAndSwap(q.me, 0) {
		_ = q.lock(c, gate).Unlock(false) // it is this process's
		return
	}
	robust.At("lock: given back")
	if c.Waiting.Load() != 0 {
		q.wakeOne(&c.Waiting)
	}
}

func (q *Queue[T]) lockPut(ctx context.Context) error {
	if err := q.check(); err != nil {
		return err
	}
	return q.lockEnd(ctx, q.cell, putGate)
}

func (q *Queue[T]) lockGet(ctx context.Context) error {
	if err := q.checkEnd(); err != nil {
		return err
	}
	return q.lockEnd(ctx, q.end, getGate)
}

func (q *Queue[T]) unlockPut() { q.unlockEnd(q.cell, putGate) }
func (q *Queue[T]) unlockGet() { q.unlockEnd(q.end, getGate) }

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
	err = put(body)
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
	if mark.Segment == 0 || mark.Offset+need+abi.QueueHeader > uint64(len(seg)) {
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
		seg = q.segment(next)
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

// errDamaged reports a queue in whose memory somebody wrote who should not.
var errDamaged = errors.New("mp/shared: the queue is damaged")

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
		c := q.a.Cell(uint32(emptied))
		q.a.Remove(c, c.Meta.Load())
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

// spins waits for a moment.
func (q *Queue[T]) spins(ready func() bool) bool {
	if !q.spinning.CompareAndSwap(false, true) {
		return ready()
	}
	defer q.spinning.Store(false)
	return q.spin.Spin(ready)
}

// awaitItem waits until there may be something to get.
func (q *Queue[T]) awaitItem(ctx context.Context) error {
	if q.spins(q.some) {
		return nil
	}
	return q.sleep(ctx, q.itemBells(), &q.local.Gates[itemGate], func() bool { return q.ready() || q.ctl.Closed.Load() != 0 && !q.outstanding() })
}

// awaitRoom waits until there may be room for n bytes.
func (q *Queue[T]) awaitRoom(ctx context.Context, n uint64) error {
	room := func() bool {
		puts := q.ctl.Puts.Load()
		gets, bytes := taken(q.ctl)
		return fits(q.ctl, puts, gets, q.ctl.Tail[puts%2].Bytes, bytes, n)
	}
	if q.spins(room) {
		return nil
	}
	return q.sleep(ctx, q.roomBells(), &q.local.Gates[roomGate], func() bool { return room() || q.ctl.Closed.Load() != 0 })
}

// sleep waits until ready, one goroutine of the process at a time.
func (q *Queue[T]) sleep(ctx context.Context, bells *atomic.Uint64, gate *robust.Gate, ready func() bool) error {
	if err := gate.Enter(ctx); err != nil {
		return err
	}
	defer gate.Exit()
	err := q.a.F.Wait(ctx, bells, q.tag(), func() bool { return q.check() != nil || ready() })
	q.a.F.Leave(bells)
	if gone := q.check(); gone != nil {
		return gone
	}
	if err != nil && ready() {
		q.wakeOne(bells) // it was perhaps woken in his place
	}
	return err
}

// buryQueue gives back the segments that a dead process had not linked, or had emptied, and its locks.
func buryQueue(a *arena.Arena, c *abi.Cell, meta uint64, dead uint32) {
	end, ctl := a.Cell(uint32(c.D.Load())), controlOf(a, c)
	if end == nil || ctl == nil || c.Meta.Load() != meta {
		return
	}
	putting, getting := abi.Owner(c.Lock.Load()) == dead, abi.Owner(end.Lock.Load()) == dead
	if putting || getting {
		puts, first := ctl.Puts.Load(), uint64(0)
		if head := a.Cell(uint32(ctl.Head[ctl.Gets.Load()%2].Segment)); head != nil {
			first = head.Seq.Load()
		}
		a.Parts(a.Ref(c), func(part *abi.Cell, meta uint64) {
			switch seq := part.Seq.Load(); {
			case abi.Kind(meta) == kindDelivery:
				buryDelivery(a, part, meta, dead) // before others can take what it may not have taken
			case abi.Kind(meta) != kindSegment:
			case putting && seq >= puts, getting && seq < first:
				a.Remove(part, meta)
			}
		})
	}
	robust.At("bury queue: segments freed")
	ctl.Returned.Add(1) // it died, perhaps, before it could say that it gave something back: a hint may be too large
	robust.Bury(&end.Lock, dead)
}

// endQueue gives back all parts of a queue that is ending. Who waits with them is woken before they are others'.
func endQueue(a *arena.Arena, c *abi.Cell) {
	a.Parts(a.Ref(c), func(part *abi.Cell, meta uint64) {
		if !a.End(part, meta) {
			return
		}
		part.Lock.Store(abi.LockFreed)
		for _, bells := range [...]*atomic.Uint64{&part.Waiting, &part.Waiting2, &part.E} {
			a.F.WakeAll(bells, ^uint64(0))
		}
		a.Free(part)
	})
}
