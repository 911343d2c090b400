package shared

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/arena"
	"github.com/go-multiproc/mp/internal/robust"
)

// A Barrier lets a number of parties go on when all have come, round after round. It breaks for all of them when one of them
// dies, gives up because its context ended, or calls Abort. A process is a party from its first Wait on; in a worker until the
// function that called Wait returns. All methods are safe for concurrent use.
type Barrier struct{ handle }

// The cell of a barrier, changed under its guard:
//
//	A  the phase: how often it was passed or reset
//	B  parties
//	C  why it is broken: cause 32 | pid 32; 0 if it is not
//	D  for each of the last 64 phases, by its number modulo 64, whether it ended by a reset
//
// A record is phase 32 | party 1 | arrived in that phase 31. A phase ends with one store, to A, which makes void all that the
// records say of arrivals.
const (
	isParty   uint64 = 1 << 31
	arrivals         = isParty - 1
	phaseMask uint64 = 1<<32 - 1
)

const (
	causeDied uint64 = iota + 1
	causeAbort
	causeLeft
)

func init() {
	arena.Kinds[kindBarrier] = arena.Kind{Guarded: true, Holds: hasRecord, Bury: buryBarrier}
}

// buryBarrier breaks the barrier if the dead process was a party, or has come in a phase in whose middle a reset died.
func buryBarrier(a *arena.Arena, c *abi.Cell, dead uint32) {
	t := records(a, c)
	r := t[dead].Load()
	if r == 0 {
		return
	}
	if r&isParty != 0 || r>>32 == c.A.Load()&phaseMask && r&arrivals != 0 {
		breakIt(c, causeDied, a.F.PID(dead))
		robust.At("bury barrier: broken")
	}
	t[dead].Store(0)
}

// breakIt breaks the barrier; the first cause counts.
func breakIt(c *abi.Cell, cause uint64, pid int) {
	c.C.CompareAndSwap(0, cause<<32|uint64(uint32(pid)))
}

// NewBarrier makes a barrier for at least one party.
func NewBarrier(parties int) (*Barrier, error) {
	if parties < 1 || parties > int(arrivals) {
		return nil, fmt.Errorf("mp/shared: NewBarrier: %d parties: %w", parties, ErrBound)
	}
	h, err := newObject("NewBarrier", kindBarrier, tableSize, func(_ *arena.Arena, c *abi.Cell) {
		c.B.Store(uint64(parties))
	})
	if err != nil {
		return nil, err
	}
	return &Barrier{h}, nil
}

// arrived is how many have come in the present phase.
func (b *Barrier) arrived() uint64 {
	phase, n := b.cell.A.Load()&phaseMask, uint64(0)
	b.records().all(b.a, func(_ uint32, r uint64) {
		if r>>32 == phase {
			n += r & arrivals
		}
	})
	return n
}

// Wait waits until all parties have come, and returns a number from 0 that each of them gets another of: 0 for who came first. It is
// ErrBroken if the barrier is broken, or breaks. When ctx ends first, it breaks for all.
func (b *Barrier) Wait(ctx context.Context) (arrival int, err error) {
	if err := b.check(); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	own.members.add(b)
	c := b.cell
	var phase uint64
	last := false
	_, err = b.try(func() (bool, error) {
		if err := b.broken(); err != nil {
			return true, err
		}
		n := b.arrived()
		arrival, phase = int(n), c.A.Load()
		record := &b.records()[b.me]
		if r := record.Load(); r>>32 != phase&phaseMask || r&isParty == 0 {
			record.Store(phase<<32 | isParty | 1)
		} else {
			record.Store(r + 1)
		}
		robust.At("barrier: arrived")
		if last = n+1 == c.B.Load(); last {
			b.endPhase(false)
		}
		return true, nil
	})
	switch {
	case err != nil:
		return 0, err
	case last:
		b.wakeAll(&c.Waiting)
		return arrival, nil
	}
	err = b.await(ctx, &c.Waiting, nil, func() (bool, error) { return b.passed(phase) })
	if err != nil && err == ctx.Err() { //nolint:errorlint // it is that very error
		if done, perr := b.try(func() (bool, error) {
			done, err := b.passed(phase)
			if !done {
				breakIt(c, causeLeft, b.a.F.PID(b.me))
			}
			return done, err
		}); done {
			return arrival, perr
		}
		b.wakeAll(&c.Waiting)
	}
	return arrival, err
}

// endPhase begins the next phase, under the guard.
func (b *Barrier) endPhase(reset bool) {
	c := b.cell
	if bit := uint64(1) << (c.A.Load() % 64); reset {
		c.D.Or(bit)
	} else {
		c.D.And(^bit)
	}
	robust.At("barrier: outcome noted")
	c.A.Add(1)
	robust.At("barrier: passed")
}

// passed reports whether a phase has ended, under the guard, and how. Of who looks 64 phases later, which takes a process that
// was stopped, it is assumed that it passed.
func (b *Barrier) passed(phase uint64) (bool, error) {
	c := b.cell
	switch now := c.A.Load(); {
	case now != phase && now-phase < 64 && c.D.Load()&(1<<(phase%64)) != 0:
		return true, fmt.Errorf("%w: it was reset", ErrBroken)
	case now != phase:
		return true, nil
	}
	err := b.broken()
	return err != nil, err
}

// broken tells why the barrier is broken.
func (b *Barrier) broken() error {
	cause := b.cell.C.Load()
	switch pid := uint32(cause); cause >> 32 {
	case 0:
		return nil
	case causeDied:
		return fmt.Errorf("%w: process %d, a party, died", ErrBroken, pid)
	case causeAbort:
		return fmt.Errorf("%w: process %d called Abort", ErrBroken, pid)
	default:
		return fmt.Errorf("%w: process %d gave up waiting", ErrBroken, pid)
	}
}

// Abort breaks the barrier until Reset.
func (b *Barrier) Abort() error {
	_, err := b.try(func() (bool, error) {
		breakIt(b.cell, causeAbort, b.a.F.PID(b.me))
		return true, nil
	})
	if err == nil {
		b.wakeAll(&b.cell.Waiting)
	}
	return err
}

// Reset makes the barrier whole and without parties. Who waits gets ErrBroken.
func (b *Barrier) Reset() error {
	_, err := b.try(func() (bool, error) {
		t := b.records()
		t.all(b.a, func(slot uint32, r uint64) { t[slot].Store(r &^ isParty) }) // arrivals count until the phase ends
		robust.At("barrier: parties dismissed")
		b.endPhase(true)
		b.cell.C.Store(0)
		return true, nil
	})
	if err == nil {
		b.wakeAll(&b.cell.Waiting)
	}
	return err
}

// Parties is how many have to come; 0 for a freed barrier.
func (b *Barrier) Parties() int {
	if b.check() != nil {
		return 0
	}
	return int(b.cell.B.Load())
}

// Waiting is how many have come in this round.
func (b *Barrier) Waiting() int {
	n := 0
	_, _ = b.try(func() (bool, error) { n = int(b.arrived()); return true, nil })
	return n
}

// Broken reports whether the barrier is broken.
func (b *Barrier) Broken() bool { return b.check() == nil && b.cell.C.Load() != 0 }

// String names the barrier and tells how many have come.
func (b *Barrier) String() string {
	name, ok := b.name("Barrier")
	if !ok {
		return name
	}
	if err := b.broken(); err != nil {
		return fmt.Sprintf("%s(%v)", name, err)
	}
	return fmt.Sprintf("%s(%d of %d have come)", name, b.Waiting(), b.Parties())
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (b *Barrier) MarshalBinary() ([]byte, error) { return b.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (b *Barrier) UnmarshalBinary(data []byte) error { return b.unmarshal(data, kindBarrier) }

// memberships are the barriers that the function which a worker runs now has waited at.
type memberships struct {
	any      atomic.Bool
	mu       sync.Mutex
	barriers map[[handleSize]byte]*Barrier // guarded by mu
}

func (m *memberships) add(b *Barrier) {
	if !mp.IsWorker() {
		return // its function is the program
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.barriers == nil {
		m.barriers = make(map[[handleSize]byte]*Barrier)
	}
	m.barriers[b.wire] = b
	m.any.Store(true)
}

// end makes the process no party any more: its function has returned, and what happens to it later is no matter of those who
// met it at a barrier.
func (m *memberships) end() {
	if !m.any.Load() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.any.Store(false)
	for _, b := range m.barriers {
		b.leave()
	}
	clear(m.barriers)
}

// leave gives up being a party, unless a goroutine of this process still waits.
func (b *Barrier) leave() {
	_, _ = b.try(func() (bool, error) {
		record := &b.records()[b.me]
		if r := record.Load(); r>>32 != b.cell.A.Load()&phaseMask || r&arrivals == 0 {
			record.Store(0)
		}
		return true, nil
	})
}
