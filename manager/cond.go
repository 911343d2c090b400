package manager

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/go-multiproc/mp/shared"
)

// A Cond lets processes that hold a mutex wait for a change of what it guards. A wake-up that was given to a process that dies
// before it returns goes to another. Wake-ups are not stored: who waits later gets none of those given before. Who waits
// longest is woken first. All methods are safe for concurrent use.
type Cond struct{ proxy }

// NewCond makes a condition of what mu guards, in mu's server. It keeps mu alive.
func NewCond(m *Manager, mu *Mutex) (*Cond, error) {
	c, err := m.use()
	switch {
	case err != nil:
		return nil, err
	case mu == nil || mu.wire == nil:
		return nil, errors.New("mp/manager: NewCond: a zero Mutex")
	case mu.c == nil:
		return nil, fmt.Errorf("mp/manager: NewCond: its Mutex: %w", ErrDetached)
	case mu.c != c:
		return nil, errors.New("mp/manager: NewCond: its Mutex is in another server")
	}
	d := new(Cond)
	return newProxy(m, d, &d.proxy, kindCond, 0, func(r *request) {
		r.of = &mu.proxy
		r.uint(mu.id)
	})
}

// Wait gives the mutex back, waits for a wake-up, and has the mutex again, however long that takes, and whether ctx ended or
// not: when it returns, the mutex is held, unless the error is shared.ErrNotOwner, for it was not held before, ErrClosed,
// ErrInterrupted, or ErrNotFound. If its last owner died meanwhile, that is shared.ErrOwnerDied, and the mutex is held. As always with
// conditions, look again at what was waited for.
func (c *Cond) Wait(ctx context.Context) error {
	r := c.ask(condWait)
	defer r.done()
	r.stay = true
	if err := r.send(ctx); err != nil {
		return err
	}
	a := r.answer().left
	if len(a) != 1 {
		return errMessage
	}
	flags, err := a[0], error(nil)
	if flags&waitCanceled != 0 {
		err = ctx.Err()
	}
	if flags&waitOwnerDied != 0 {
		err = errors.Join(err, shared.ErrOwnerDied)
	}
	return err
}

// WaitFor waits until pred, called with the mutex held in this process, reports true. It is Wait in a loop.
func (c *Cond) WaitFor(ctx context.Context, pred func() bool) error {
	if held, err := getBool(ctx, c.read(condHeld)); err != nil {
		return err
	} else if !held {
		return shared.ErrNotOwner
	}
	for !pred() {
		if err := c.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Signal wakes n of those who wait; all if there are fewer. The mutex need not be held.
func (c *Cond) Signal(ctx context.Context, n int) error { return do(ctx, c.ask(condSignal).int(n)) }

// Broadcast wakes all who wait.
func (c *Cond) Broadcast(ctx context.Context) error { return c.Signal(ctx, math.MaxInt) }

// MarshalBinary implements encoding.BinaryMarshaler: the proxy travels.
func (c *Cond) MarshalBinary() ([]byte, error) { return c.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (c *Cond) UnmarshalBinary(b []byte) error {
	return c.unmarshal(b, kindCond, 0)
}

// String names the condition.
func (c *Cond) String() string { return c.name("Cond") }
