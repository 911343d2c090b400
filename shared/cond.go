package shared

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/arena"
	"github.com/go-multiproc/mp/internal/robust"
)

// A Cond lets processes that hold a mutex wait for a change of what it guards. Signal never waits for anybody, and a wake-up
// that was given to a process that dies goes to another. Wake-ups are not stored: who waits later gets none of those given
// before. All methods are safe for concurrent use.
type Cond struct {
	handle
	mutex *Mutex
}

// The cell of a condition, changed under its guard:
//
//	A       the slot that was given a wake-up last: the next one after it is next
//	Parent  the mutex: generation 32 | cell 32
//
// A record is waiters 32 | wake-ups given and not taken 32, and never has more wake-ups than waiters. Within a process the one
// who waits longest takes the next.
const oneWaiter uint64 = 1 << 32

func init() {
	arena.Kinds[kindCond] = arena.Kind{Guarded: true, Holds: hasRecord, Bury: buryCond}
}

// NewCond makes a condition of what m guards.
func NewCond(m *Mutex) (*Cond, error) {
	err := errZero
	if m != nil {
		err = m.check()
	}
	if err != nil {
		return nil, fmt.Errorf("mp/shared: NewCond: its mutex: %w", err)
	}
	h, err := newObject("NewCond", kindCond, tableSize, func(a *arena.Arena, c *abi.Cell) {
		c.Parent.Store(uint64(abi.Gen(m.meta))<<32 | uint64(a.Number(m.cell)))
	})
	if err != nil {
		return nil, err
	}
	return &Cond{h, m}, nil
}

// give gives up to n wake-ups to processes that wait, in turn, and calls told with each. It runs under the guard.
func give(a *arena.Arena, c *abi.Cell, n int, told func(slot uint32)) {
	t := records(a, c)
	top := a.F.Top()
	idle := uint32(0) // slots looked at since the last wake-up
	for slot := uint32(c.A.Load()); n > 0 && idle < top; {
		if slot++; slot > top {
			slot = 1
		}
		idle++
		if r := t[slot].Load(); r>>32 > r&(oneWaiter-1) {
			t[slot].Add(1)
			robust.At("cond: given")
			c.A.Store(uint64(slot))
			told(slot)
			n--
			idle = 0
		}
	}
}

// buryCond hands on the wake-ups that a dead process did not take. Each is given to another first: if this process dies
// between, somebody wakes without need, which is better than nobody with.
func buryCond(a *arena.Arena, c *abi.Cell, _ uint64, dead uint32) {
	own := &records(a, c)[dead]
	wakeups := own.Load() & (oneWaiter - 1)
	own.Store(wakeups) // it waits for nothing, so nobody gives it more
	for ; wakeups > 0; wakeups-- {
		give(a, c, 1, func(uint32) {}) // a sweep ends with ringing for all
		robust.At("bury cond: handed on")
		own.Store(wakeups - 1)
	}
}

// Wait gives the mutex back, waits for a wake-up, and locks the mutex again, however long that takes, and whether ctx ended
// or not: when it returns, the mutex is held, unless the error is ErrNotOwner, for it was not held before, or ErrClosed. If its
// last owner died meanwhile, that is ErrOwnerDied. As always with conditions, look again at what was waited for.
func (c *Cond) Wait(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	if err := c.mutex.check(); err != nil {
		return err
	}
	if abi.Owner(c.mutex.cell.Lock.Load()) != c.me {
		return ErrNotOwner
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := c.tryFor(ctx, func() (bool, error) { c.records()[c.me].Add(oneWaiter); return true, nil }); err != nil {
		return err
	}
	robust.At("cond: waiting")
	gate := &c.local.Gates[0]
	turn := gate.Join() // before the mutex is another's: who waits longest takes the first wake-up
	if err := c.mutex.Unlock(); err != nil {
		if gate.Wait(noWait, turn) == nil {
			gate.Exit()
		}
		c.giveUp()
		return err
	}
	robust.At("cond: mutex given back")
	err := c.awaitTurn(ctx, &c.cell.Waiting, gate, turn, func() (bool, error) { return c.take(), nil })
	if err != nil && !errors.Is(err, ErrClosed) && c.giveUp() {
		err = nil // there was a wake-up as well
	}
	robust.At("cond: woken")
	if lerr := c.mutex.Lock(context.Background()); lerr != nil {
		return errors.Join(err, lerr)
	}
	return err
}

// take takes a wake-up, under the guard, if this process was given one.
func (c *Cond) take() bool {
	own := &c.records()[c.me]
	if own.Load()&(oneWaiter-1) == 0 {
		return false
	}
	own.Add(^oneWaiter) // one of each
	return true
}

// giveUp ends a wait without a wake-up, unless as many were given as there are waiters: then one is for this.
func (c *Cond) giveUp() (woken bool) {
	if c.enter() != nil {
		return false
	}
	defer c.exit()
	own := &c.records()[c.me]
	if r := own.Load(); r>>32 == r&(oneWaiter-1) {
		return c.take()
	}
	own.Add(^oneWaiter + 1)
	return false
}

// WaitFor waits until pred, called with the mutex held, reports true. It is Wait in a loop.
func (c *Cond) WaitFor(ctx context.Context, pred func() bool) error {
	if err := c.check(); err != nil {
		return err
	}
	if abi.Owner(c.mutex.cell.Lock.Load()) != c.me {
		return ErrNotOwner
	}
	for !pred() {
		if err := c.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Signal wakes n of those who wait; all if there are fewer. The mutex need not be held.
func (c *Cond) Signal(n int) error {
	var woken []uint32
	if _, err := c.try(func() (bool, error) {
		give(c.a, c.cell, n, func(slot uint32) { woken = append(woken, slot) })
		return true, nil
	}); err != nil {
		return err
	}
	for _, slot := range woken {
		c.a.F.WakeHeir(slot, c.tag())
	}
	return nil
}

// Broadcast wakes all who wait.
func (c *Cond) Broadcast() error { return c.Signal(int(^uint(0) >> 1)) }

// String names the condition and tells how many wait.
func (c *Cond) String() string {
	name, ok := c.name("Cond")
	if !ok {
		return name
	}
	waiters := uint64(0)
	c.records().all(c.a, func(_ uint32, r uint64) { waiters += r >> 32 })
	return fmt.Sprintf("%s(%v; %d waiting)", name, c.mutex, waiters)
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (c *Cond) MarshalBinary() ([]byte, error) {
	b, err := c.marshal()
	if err != nil {
		return nil, err
	}
	m, err := c.mutex.marshal()
	return append(b, m...), err
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (c *Cond) UnmarshalBinary(b []byte) error {
	if len(b) != 2*handleSize {
		return errCorrupt
	}
	c.mutex = new(Mutex)
	if err := c.mutex.UnmarshalBinary(b[handleSize:]); err != nil {
		return err
	}
	return c.unmarshal(b[:handleSize], kindCond)
}
