package shared

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/arena"
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
	if ctl == nil {
		a.Free(q)
		return nil, errDamaged
	}
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
