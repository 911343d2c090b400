package manager

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-multiproc/mp/shared"
)

// A Mutex is a lock that one process at a time holds, and that says so if its holder died, or lost its connection. It is the
// process that holds it: any goroutine of it may unlock, and between goroutines it works as sync.Mutex does. Who waits longest is the
// next. All methods are safe for concurrent use.
type Mutex struct{ proxy }

// NewMutex makes a mutex that nobody holds.
func NewMutex(m *Manager) (*Mutex, error) {
	mu := new(Mutex)
	return newProxy(m, mu, &mu.proxy, kindMutex, 0, nil)
}

// Lock waits for the mutex. With shared.ErrOwnerDied it is held as well: what it guards may be torn.
func (m *Mutex) Lock(ctx context.Context) error {
	return do(ctx, m.lock(mutexLock, mutexUndo))
}

// TryLock takes the mutex if it is free, and reports whether it did. With shared.ErrOwnerDied it did.
func (m *Mutex) TryLock(ctx context.Context) (bool, error) {
	return try(ctx, m.lock(mutexTry, mutexUndo))
}

// Unlock gives the mutex back, also if ctx has ended. It is shared.ErrNotOwner if this process does not hold it.
func (m *Mutex) Unlock(ctx context.Context) error { return m.giveBack(ctx, mutexUnlock) }

// Do calls fn with the mutex held, and returns its error. If the last owner died, fn is not called, and Do returns
// shared.ErrOwnerDied, to everybody, until somebody has used Lock to repair what the mutex guards.
func (m *Mutex) Do(ctx context.Context, fn func() error) (err error) {
	if err := m.Lock(ctx); err != nil {
		if errors.Is(err, shared.ErrOwnerDied) {
			_ = m.giveBack(ctx, mutexUndo)
			return fmt.Errorf("%w; Lock it to repair what it guards", err)
		}
		return err
	}
	defer func() {
		if uerr := m.Unlock(ctx); err == nil {
			err = uerr
		}
	}()
	return fn()
}

// Locked reports whether any process holds the mutex.
func (m *Mutex) Locked(ctx context.Context) (bool, error) { return getBool(ctx, m.read(mutexLocked)) }

// MarshalBinary implements encoding.BinaryMarshaler: the proxy travels.
func (m *Mutex) MarshalBinary() ([]byte, error) { return m.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (m *Mutex) UnmarshalBinary(b []byte) error {
	return m.unmarshal(b, kindMutex, 0)
}

// String names the mutex.
func (m *Mutex) String() string { return m.name("Mutex") }
