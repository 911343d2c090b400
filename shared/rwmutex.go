package shared

import (
	"context"
	"fmt"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/arena"
	"github.com/go-multiproc/mp/internal/robust"
)

// An RWMutex is held by one writer or by any number of readers. A writer that waits keeps new readers out, and when it has had its
// turn, the readers that waited meanwhile have theirs: so neither starves. A writer
// that waits longer than 1 ms is the next of the writers. What a reader held that died is given back. When a
// writer dies, who locks next, for writing or for reading, is told ErrOwnerDied and holds the lock; readers are told until a
// writer was. All methods are safe for concurrent use.
type RWMutex struct{ handle }

// The cell of an RWMutex, changed under its guard:
//
//	A  slot of the writer, 0 for none
//	B  read locks
//	C  writers that wait
//	D  readers that wait
//	Seq  heir 10 | ... 6 | flags 2: readersTurn, writerDied. The heir is the slot of the writer that is next among writers
//
// B, C and D are the sums of what the records say: read locks 24 | waiting writers 20 | waiting readers 20.
const (
	readersTurn uint64 = 1 << iota
	writerDied

	heirAt   = 8
	heirMask = uint64(abi.MaxSlots-1) << heirAt
)

const (
	oneReader        uint64 = 1 << 40
	oneWaitingWriter uint64 = 1 << 20
	oneWaitingReader uint64 = 1
	waitingMask             = oneWaitingWriter - 1
)

func init() {
	arena.Kinds[kindRWMutex] = arena.Kind{Guarded: true, Holds: func(a *arena.Arena, c *abi.Cell, dead uint32) bool {
		return hasRecord(a, c, dead) || c.A.Load() == uint64(dead) || heirOf(c) == dead
	}, Bury: buryRWMutex}
}

// NewRWMutex makes a lock that nobody holds.
func NewRWMutex() (*RWMutex, error) {
	h, err := newObject("NewRWMutex", kindRWMutex, tableSize, nil)
	if err != nil {
		return nil, err
	}
	return &RWMutex{h}, nil
}

// buryRWMutex takes a dead process out, and makes the sums fit the records.
func buryRWMutex(a *arena.Arena, c *abi.Cell, _ uint64, dead uint32) {
	t := records(a, c)
	t[dead].Store(0)
	robust.At("bury rwmutex: record cleared")
	var readers, writers, waiting uint64
	t.all(a, func(_ uint32, r uint64) {
		readers += r / oneReader
		writers += r / oneWaitingWriter & waitingMask
		waiting += r & waitingMask
	})
	c.B.Store(readers)
	c.C.Store(writers)
	c.D.Store(waiting)
	if waiting == 0 {
		c.Seq.And(^readersTurn)
	}
	if heirOf(c) == dead {
		c.Seq.And(^heirMask)
	}
	if c.A.Load() == uint64(dead) {
		c.Seq.Or(writerDied)
		robust.At("bury rwmutex: told")
		c.A.Store(0)
	}
}

// add changes this process's record and the sum that it is part of. The record counts: who dies between the two leaves a sum
// that is computed anew.
func (m *RWMutex) add(one, n uint64) {
	m.records()[m.me].Add(one * n)
	robust.At("rwmutex: recorded")
	switch one {
	case oneReader:
		m.cell.B.Add(n)
	case oneWaitingWriter:
		m.cell.C.Add(n)
	case oneWaitingReader:
		m.cell.D.Add(n)
	}
	robust.At("rwmutex: counted")
}

const minus = ^uint64(0)

// heirOf is the slot of the writer that is next among writers, 0 for whoever comes.
func heirOf(c *abi.Cell) uint32 { return uint32(c.Seq.Load() & heirMask >> heirAt) }

// write takes the lock for writing, under the guard, if it can; the heir may take what no other writer may.
func (m *RWMutex) write(heir bool) (bool, error) {
	c := m.cell
	if c.A.Load() != 0 || c.B.Load() != 0 || c.Seq.Load()&readersTurn != 0 && c.D.Load() > 0 {
		return false, nil
	}
	if next := heirOf(c); next != 0 && (!heir || next != m.me) {
		return false, nil
	}
	c.A.Store(uint64(m.me))
	robust.At("rwmutex: written to")
	c.Seq.And(^heirMask)
	return true, m.told(oneWaitingWriter)
}

// read takes the lock for reading, under the guard, if it can.
func (m *RWMutex) read(bool) (bool, error) {
	c := m.cell
	if c.A.Load() != 0 || c.C.Load() > 0 && c.Seq.Load()&readersTurn == 0 {
		return false, nil
	}
	m.add(oneReader, 1)
	return true, m.told(oneWaitingReader)
}

// Lock waits for the lock for writing. With ErrOwnerDied it is held as well.
func (m *RWMutex) Lock(ctx context.Context) error {
	return m.lock(ctx, m.write, oneWaitingWriter)
}

// RLock waits for the lock for reading. With ErrOwnerDied it is held as well. A process may have several read locks; one that waits for
// a second while it holds the first waits for ever if a writer waits between.
func (m *RWMutex) RLock(ctx context.Context) error {
	return m.lock(ctx, m.read, oneWaitingReader)
}

func (m *RWMutex) lock(ctx context.Context, take func(heir bool) (bool, error), waiting uint64) error {
	if err := m.check(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	done, err := m.tryFor(ctx, func() (bool, error) {
		done, err := take(false)
		if !done {
			m.add(waiting, 1)
		}
		return done, err
	})
	if done || err != nil {
		return err
	}
	bells, gate := &m.cell.Waiting2, (*robust.Gate)(nil) // readers go together
	if waiting == oneWaitingWriter {
		bells, gate = &m.cell.Waiting, &m.local.Gates[0]
	}
	begun, taken, heir := time.Now(), false, false
	var idle idleHeir
	err = m.await(ctx, bells, gate, func() (bool, error) {
		heir = heir && heirOf(m.cell) == m.me // it may have been passed over
		done, err := take(heir)
		if !done && idle.passedOver(anybody, m.cell.A.Load() == 0 && m.cell.B.Load() == 0) {
			done, err = m.overtake(waiting)
		}
		if done {
			taken = true
			m.stopWaiting(waiting)
		} else if waiting == oneWaitingWriter && heirOf(m.cell) == 0 && time.Since(begun) > patience {
			m.cell.Seq.Or(uint64(m.me) << heirAt)
			heir = true
		}
		return done, err
	})
	if !taken && m.enter() == nil {
		if heir && heirOf(m.cell) == m.me {
			m.cell.Seq.And(^heirMask)
		}
		m.stopWaiting(waiting)
		m.exit()
	}
	if !taken {
		m.wakeNext() // who left may have kept others out, and may have been woken in place of another
	}
	return err
}

// anybody stands for those whose turn it is.
const anybody = abi.MaxSlots

// overtake takes a free lock, under the guard, whosever turn it is: those have not come, so they are stopped, perhaps.
func (m *RWMutex) overtake(waiting uint64) (bool, error) {
	if waiting == oneWaitingWriter {
		m.cell.A.Store(uint64(m.me))
		m.cell.Seq.And(^heirMask)
	} else {
		m.add(oneReader, 1)
	}
	return true, m.told(waiting)
}

// told is ErrOwnerDied if the last writer died; the next writer takes the news with it.
func (m *RWMutex) told(waiting uint64) error {
	if m.cell.Seq.Load()&writerDied == 0 {
		return nil
	}
	if waiting == oneWaitingWriter {
		m.cell.Seq.And(^writerDied)
	}
	return ErrOwnerDied
}

// stopWaiting ends a wait, under the guard, and with the last of the readers their turn.
func (m *RWMutex) stopWaiting(waiting uint64) {
	m.add(waiting, minus)
	if waiting == oneWaitingReader && m.cell.D.Load() == 0 {
		m.cell.Seq.And(^readersTurn)
	}
}

// wakeNext wakes whoever may go now.
func (m *RWMutex) wakeNext() {
	if m.enter() != nil {
		return
	}
	c := m.cell
	free, readers := c.A.Load() == 0, c.C.Load() == 0 || c.Seq.Load()&readersTurn != 0
	writer, heir := free && c.B.Load() == 0, heirOf(c)
	m.exit()
	if free && readers {
		m.wakeAll(&c.Waiting2)
	}
	switch {
	case !writer:
	case heir != 0:
		m.a.F.WakeHeir(heir, m.tag())
	default:
		m.wakeOne(&c.Waiting)
	}
}

// TryLock takes the lock for writing if it can, and reports whether it did. With ErrOwnerDied it did.
func (m *RWMutex) TryLock() (bool, error) { return m.tryLock(m.write) }

// TryRLock takes the lock for reading if it can, and reports whether it did. With ErrOwnerDied it did.
func (m *RWMutex) TryRLock() (bool, error) { return m.tryLock(m.read) }

func (m *RWMutex) tryLock(take func(heir bool) (bool, error)) (bool, error) {
	return busy(m.tryFor(noWait, func() (bool, error) { return take(false) }))
}

// Unlock gives back the lock for writing. It is ErrNotOwner if this process does not hold it.
func (m *RWMutex) Unlock() error {
	if err := m.enter(); err != nil {
		return err
	}
	c := m.cell
	if c.A.Load() != uint64(m.me) {
		m.exit()
		return ErrNotOwner
	}
	if c.D.Load() > 0 {
		c.Seq.Or(readersTurn)
	}
	robust.At("rwmutex: turn given")
	c.A.Store(0)
	m.exit()
	m.wakeNext()
	return nil
}

// RUnlock gives back a lock for reading. It is ErrNotOwner if this process has none.
func (m *RWMutex) RUnlock() error {
	if err := m.enter(); err != nil {
		return err
	}
	if m.records()[m.me].Load() < oneReader {
		m.exit()
		return ErrNotOwner
	}
	m.add(oneReader, minus)
	last := m.cell.B.Load() == 0
	m.exit()
	if last {
		m.wakeNext()
	}
	return nil
}

// String names the lock and its holders.
func (m *RWMutex) String() string {
	name, ok := m.name("RWMutex")
	if !ok {
		return name
	}
	if w := uint32(m.cell.A.Load()); w != 0 {
		return fmt.Sprintf("%s(written to by %s)", name, m.who(w))
	}
	text := ""
	m.records().all(m.a, func(slot uint32, r uint64) {
		if r >= oneReader {
			text += fmt.Sprintf("; read by %s", m.who(slot))
		}
	})
	switch {
	case text != "":
		return name + "(" + text[2:] + ")"
	case m.cell.Seq.Load()&writerDied != 0:
		return name + "(its last writer died)"
	}
	return name + "(free)"
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (m *RWMutex) MarshalBinary() ([]byte, error) { return m.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (m *RWMutex) UnmarshalBinary(b []byte) error { return m.unmarshal(b, kindRWMutex) }
