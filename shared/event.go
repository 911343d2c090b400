package shared

import (
	"context"
	"errors"

	"github.com/go-multiproc/mp/internal/arena"
	"github.com/go-multiproc/mp/internal/robust"
)

// An Event is set or not, and can be waited for. Set lets go everybody who waits at that moment, even if Clear follows at once.
// All methods are safe for concurrent use.
type Event struct{ handle }

// The cell of an event, changed under its guard: A is how often it was set, times 2, plus 1 if it is set now. One store
// changes it, so there is nothing to repair.
func init() {
	arena.Kinds[kindEvent] = arena.Kind{Guarded: true, Holds: nothingHeld, Bury: nothingToBury}
}

// NewEvent makes an event that is not set.
func NewEvent() (*Event, error) {
	h, err := newObject("NewEvent", kindEvent, 0, nil)
	if err != nil {
		return nil, err
	}
	return &Event{h}, nil
}

// Set sets the event and wakes everybody who waits for it.
func (e *Event) Set() error {
	if err := e.enter(); err != nil {
		return err
	}
	if a := &e.cell.A; a.Load()&1 == 0 {
		a.Add(2 + 1)
	}
	robust.At("event: set")
	e.exit()
	e.wakeAll(&e.cell.Waiting)
	return nil
}

// Clear unsets it.
func (e *Event) Clear() error {
	if err := e.enter(); err != nil {
		return err
	}
	e.cell.A.And(^uint64(1))
	e.exit()
	return nil
}

// IsSet reports whether it is set; a freed one is not.
func (e *Event) IsSet() bool { return e.check() == nil && e.cell.A.Load()&1 == 1 }

// Wait waits until the event is set.
func (e *Event) Wait(ctx context.Context) error {
	if err := e.check(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	before := e.cell.A.Load()
	return e.await(ctx, &e.cell.Waiting, nil, func() (bool, error) {
		now := e.cell.A.Load()
		return now&1 == 1 || now>>1 != before>>1, nil
	})
}

// AwaitReady waits until the event is set, or freed, or until ctx ends, and then returns its error. With a ctx that has ended it does
// not wait: it returns nil if the event is set or freed now. It is what pipe.Wait calls, which waits for the first of several things.
func (e *Event) AwaitReady(ctx context.Context) error {
	err := e.check()
	if err == nil && !e.IsSet() {
		err = e.Wait(ctx)
	}
	if errors.Is(err, ErrClosed) {
		return nil
	}
	return err
}

// String names the event and tells whether it is set.
func (e *Event) String() string {
	name, ok := e.name("Event")
	switch {
	case !ok:
		return name
	case e.IsSet():
		return name + "(set)"
	}
	return name + "(not set)"
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (e *Event) MarshalBinary() ([]byte, error) { return e.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (e *Event) UnmarshalBinary(b []byte) error { return e.unmarshal(b, kindEvent) }
