package shared

import (
	"context"
	"fmt"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/arena"
	"github.com/go-multiproc/mp/internal/robust"
)

// A Semaphore is a number of permits. Of a bounded one each permit belongs to the process that acquired it: it comes back when
// that process dies, and nobody else can give it back. Those of the other kind belong to nobody: anyone may release, also more
// than were acquired, and what a process that died had is gone. Who waits longer than 1 ms is the next. All methods are safe
// for concurrent use.
type Semaphore struct{ handle }

// The cell of a semaphore, changed under its guard:
//
//	A  permits that are free; for a bounded one a summary, for it is B less all records
//	B  permits that there are, if it is bounded
//	C  1 if it is bounded
//	D  heir: the slot that takes the next permit, 0 for whoever comes

// NewSemaphore makes a semaphore with n permits that belong to nobody.
func NewSemaphore(n int) (*Semaphore, error) { return newSemaphore("NewSemaphore", n, false) }

// NewBoundedSemaphore makes a semaphore whose n permits belong to their holders.
func NewBoundedSemaphore(n int) (*Semaphore, error) {
	return newSemaphore("NewBoundedSemaphore", n, true)
}

func newSemaphore(what string, n int, bounded bool) (*Semaphore, error) {
	if n < 0 {
		return nil, fmt.Errorf("mp/shared: %s: %d permits: %w", what, n, ErrBound)
	}
	h, err := newObject(what, kindSemaphore, tableSize, func(_ *arena.Arena, c *abi.Cell) {
		c.A.Store(uint64(n))
		c.B.Store(uint64(n))
		if bounded {
			c.C.Store(1)
		}
	})
	if err != nil {
		return nil, err
	}
	return &Semaphore{h}, nil
}

func init() {
	arena.Kinds[kindSemaphore] = arena.Kind{Guarded: true, Holds: func(a *arena.Arena, c *abi.Cell, dead uint32) bool {
		return hasRecord(a, c, dead) || c.D.Load() == uint64(dead)
	}, Bury: burySemaphore}
}

// burySemaphore gives back the permits of a dead process.
func burySemaphore(a *arena.Arena, c *abi.Cell, _ uint64, dead uint32) {
	t := records(a, c)
	t[dead].Store(0)
	robust.At("bury semaphore: record cleared")
	if c.C.Load() == 1 {
		free := c.B.Load()
		t.all(a, func(_ uint32, held uint64) { free -= held })
		c.A.Store(free)
	}
	if c.D.Load() == uint64(dead) {
		c.D.Store(0)
	}
}

// take takes a permit, under the guard, if there is one for this process.
func (s *Semaphore) take(heir bool) bool {
	c := s.cell
	free, next := c.A.Load(), c.D.Load()
	if free == 0 || next != 0 && (!heir || next != uint64(s.me)) {
		return false
	}
	c.A.Store(free - 1)
	robust.At("semaphore: counted")
	if c.C.Load() == 1 {
		s.records()[s.me].Add(1)
	}
	robust.At("semaphore: taken")
	if heir {
		c.D.Store(0)
	}
	return true
}

// Acquire waits for a permit.
func (s *Semaphore) Acquire(ctx context.Context) error {
	if err := s.check(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if ok, err := s.tryFor(ctx, func() (bool, error) { return s.take(false), nil }); ok || err != nil {
		return err
	}
	begun, heir := time.Now(), false
	var idle idleHeir
	err := s.await(ctx, &s.cell.Waiting, &s.local.Gates[0], func() (bool, error) {
		heir = heir && s.cell.D.Load() == uint64(s.me)
		if s.take(heir) {
			heir = false
			return true, nil
		}
		if next := &s.cell.D; idle.passedOver(uint32(next.Load()), s.cell.A.Load() > 0) {
			next.Store(0)
			if s.take(false) {
				return true, nil
			}
		}
		if !heir && s.cell.D.Load() == 0 && time.Since(begun) > patience {
			s.cell.D.Store(uint64(s.me))
			heir = true
		}
		return false, nil
	})
	s.passOn(heir)
	return err
}

// An idleHeir is an heir that was seen not to take what is free.
type idleHeir struct {
	slot  uint32
	since time.Time
}

// passedOver reports whether that was so for a while: the process is stopped, perhaps.
func (i *idleHeir) passedOver(slot uint32, free bool) bool {
	switch {
	case !free || slot == 0:
		*i = idleHeir{}
	case i.slot != slot:
		*i = idleHeir{slot, time.Now()}
	default:
		return time.Since(i.since) >= idleLimit
	}
	return false
}

// idleLimit is how long others are waited for whose turn it is.
const idleLimit = 100 * time.Millisecond

// patience is how long who waits lets others overtake it.
const patience = time.Millisecond

// passOn wakes another if there are permits: a wake-up that came when it was not needed any more was meant for somebody.
func (s *Semaphore) passOn(heir bool) {
	if s.enter() != nil {
		return
	}
	if heir && s.cell.D.Load() == uint64(s.me) {
		s.cell.D.Store(0)
	}
	more := s.cell.A.Load() > 0
	s.exit()
	if more {
		s.wakeOne(&s.cell.Waiting)
	}
}

// TryAcquire takes a permit if there is one, and reports whether it did.
func (s *Semaphore) TryAcquire() (bool, error) {
	ok, err := s.tryFor(noWait, func() (bool, error) { return s.take(false), nil })
	return busy(ok, err)
}

// busy is what a call that does not wait returns, if somebody who is stopped is at the object.
func busy(ok bool, err error) (bool, error) {
	if err != nil && err == noWait.Err() { //nolint:errorlint // it is that very error
		return false, nil
	}
	return ok && (err == nil || err == ErrOwnerDied), err //nolint:errorlint // from take
}

// Release gives a permit back. For a bounded semaphore it is ErrBound if this process has none.
func (s *Semaphore) Release() error {
	if err := s.enter(); err != nil {
		return err
	}
	c := s.cell
	if c.C.Load() == 1 {
		own := &s.records()[s.me]
		if own.Load() == 0 {
			s.exit()
			return ErrBound
		}
		own.Add(^uint64(0))
		robust.At("semaphore: given up")
	}
	c.A.Add(1)
	heir := uint32(c.D.Load())
	s.exit()
	if heir != 0 {
		s.a.F.WakeHeir(heir, s.tag())
	} else {
		s.wakeOne(&c.Waiting)
	}
	return nil
}

// Value is how many permits are free, 0 of a freed semaphore.
func (s *Semaphore) Value() int {
	if s.check() != nil {
		return 0
	}
	return int(s.cell.A.Load())
}

// String names the semaphore and tells how many permits are free.
func (s *Semaphore) String() string {
	name, ok := s.name("Semaphore")
	if !ok {
		return name
	}
	if s.cell.C.Load() == 0 {
		return fmt.Sprintf("%s(%d free)", name, s.cell.A.Load())
	}
	text := fmt.Sprintf("%s(%d of %d free", name, s.cell.A.Load(), s.cell.B.Load())
	s.records().all(s.a, func(slot uint32, held uint64) { text += fmt.Sprintf("; %d held by %s", held, s.who(slot)) })
	return text + ")"
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (s *Semaphore) MarshalBinary() ([]byte, error) { return s.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (s *Semaphore) UnmarshalBinary(b []byte) error { return s.unmarshal(b, kindSemaphore) }
