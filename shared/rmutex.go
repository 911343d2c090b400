package shared

import (
	"context"
	"fmt"
	"sync"
)

// An RMutex is a mutex that its holder may lock again. Go has no identity of goroutines, so the holder is who has the context
// that Lock returned: Lock with it, or with one derived from it, nests, and Unlock with it gives one level back. All methods
// are safe for concurrent use.
type RMutex struct{ handle }

// NewRMutex makes a re-entrant mutex that nobody holds.
func NewRMutex() (*RMutex, error) {
	h, err := newObject("NewRMutex", kindRMutex, 0, nil)
	if err != nil {
		return nil, err
	}
	return &RMutex{h}, nil
}

// holding is what a context says of one RMutex: how deep its holder is in it.
type holding struct {
	mu    sync.Mutex
	depth int // guarded by mu: 0 once it is given back
}

// holdingKey is the key of a holding: the object.
type holdingKey [handleSize]byte

func (m *RMutex) mutex() *Mutex { return &Mutex{m.handle} }

// Lock waits for the mutex, if ctx does not hold it already, and returns a context that holds it. With ErrOwnerDied it is
// held as well.
func (m *RMutex) Lock(ctx context.Context) (context.Context, error) {
	if err := m.check(); err != nil {
		return ctx, err
	}
	if h := m.held(ctx); h != nil {
		if nested, err := m.nest(ctx, h); nested || err != nil {
			return ctx, err
		}
	}
	err := m.mutex().Lock(ctx)
	if err != nil && err != ErrOwnerDied { //nolint:errorlint // from Lock
		return ctx, err
	}
	m.cell.A.Store(1)
	return context.WithValue(ctx, holdingKey(m.wire), &holding{depth: 1}), err
}

func (m *RMutex) held(ctx context.Context) *holding {
	h, _ := ctx.Value(holdingKey(m.wire)).(*holding)
	return h
}

// nest goes one level deeper, unless the context's holder has given the mutex back.
func (m *RMutex) nest(ctx context.Context, h *holding) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.depth == 0 {
		return false, nil
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	h.depth++
	m.cell.A.Store(uint64(h.depth))
	return true, nil
}

// Unlock gives one level back. It is ErrNotOwner if ctx does not hold the mutex.
func (m *RMutex) Unlock(ctx context.Context) error {
	if err := m.check(); err != nil {
		return err
	}
	h := m.held(ctx)
	if h == nil {
		return ErrNotOwner
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.depth == 0 {
		return ErrNotOwner
	}
	h.depth--
	if h.depth > 0 {
		m.cell.A.Store(uint64(h.depth))
		return nil
	}
	return m.mutex().Unlock()
}

// Locked reports whether anybody holds the mutex.
func (m *RMutex) Locked() bool { return m.mutex().Locked() }

// String names the mutex, its owner, and how deep that is in it.
func (m *RMutex) String() string {
	name, ok := m.name("RMutex")
	if !ok {
		return name
	}
	if depth := m.cell.A.Load(); m.Locked() && depth > 1 {
		return fmt.Sprintf("%s%s, %d deep", name, m.mutex().state(), depth)
	}
	return name + m.mutex().state()
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (m *RMutex) MarshalBinary() ([]byte, error) { return m.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (m *RMutex) UnmarshalBinary(b []byte) error { return m.unmarshal(b, kindRMutex) }
