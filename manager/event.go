package manager

import "context"

// An Event is set or not, and can be waited for. Set lets go everybody who waits at that moment, even if Clear follows at once.
// It belongs to nobody: a process that dies changes nothing about it. All methods are safe for concurrent use.
type Event struct{ proxy }

// NewEvent makes an event that is not set.
func NewEvent(m *Manager) (*Event, error) {
	e := new(Event)
	return newProxy(m, e, &e.proxy, kindEvent, 0, nil)
}

// Set sets the event and wakes everybody who waits for it.
func (e *Event) Set(ctx context.Context) error {
	return do(ctx, e.ask(eventSet))
}

// Clear unsets it.
func (e *Event) Clear(ctx context.Context) error {
	return do(ctx, e.ask(eventClear))
}

// IsSet reports whether it is set.
func (e *Event) IsSet(ctx context.Context) (bool, error) { return getBool(ctx, e.read(eventIsSet)) }

// Wait waits until the event is set.
func (e *Event) Wait(ctx context.Context) error { return do(ctx, e.ask(eventWait)) }

// MarshalBinary implements encoding.BinaryMarshaler: the proxy travels.
func (e *Event) MarshalBinary() ([]byte, error) { return e.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (e *Event) UnmarshalBinary(b []byte) error {
	return e.unmarshal(b, kindEvent, 0)
}

// String names the event.
func (e *Event) String() string { return e.name("Event") }
