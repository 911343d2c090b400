package manager

import "context"

// An RWMutex is held by one writer or by any number of readers. Who comes first goes first, and readers that come one after the
// other go together: so neither starves. What a reader held that died, or lost its connection, is given back. When that happens to a
// writer, who locks next, for writing or for reading, is told shared.ErrOwnerDied and holds the lock; readers are told until
// a writer was. It is the process that holds it. All methods are safe for concurrent use.
type RWMutex struct{ proxy }

// NewRWMutex makes a lock that nobody holds.
func NewRWMutex(m *Manager) (*RWMutex, error) {
	rw := new(RWMutex)
	return newProxy(m, rw, &rw.proxy, kindRWMutex, 0, nil)
}

// Lock waits for the lock for writing. With shared.ErrOwnerDied it is held as well.
func (m *RWMutex) Lock(ctx context.Context) error { return do(ctx, m.lock(rwmutexLock, rwmutexUndo)) }

// TryLock takes the lock for writing if it can, and reports whether it did. With shared.ErrOwnerDied it did.
func (m *RWMutex) TryLock(ctx context.Context) (bool, error) {
	return try(ctx, m.lock(rwmutexTryLock, rwmutexUndo))
}

// RLock waits for the lock for reading. With shared.ErrOwnerDied it is held as well. A process may have several read locks; one
// that waits for a second while it holds the first waits for ever if a writer waits between.
func (m *RWMutex) RLock(ctx context.Context) error {
	return do(ctx, m.lock(rwmutexRLock, rwmutexRUnlock))
}

// TryRLock takes the lock for reading if it can, and reports whether it did. With shared.ErrOwnerDied it did.
func (m *RWMutex) TryRLock(ctx context.Context) (bool, error) {
	return try(ctx, m.lock(rwmutexTryRLock, rwmutexRUnlock))
}

// Unlock gives back the lock for writing, also if ctx has ended. It is shared.ErrNotOwner if this process does not hold it.
func (m *RWMutex) Unlock(ctx context.Context) error { return m.giveBack(ctx, rwmutexUnlock) }

// RUnlock gives back a lock for reading, also if ctx has ended. It is shared.ErrNotOwner if this process has none.
func (m *RWMutex) RUnlock(ctx context.Context) error { return m.giveBack(ctx, rwmutexRUnlock) }

// MarshalBinary implements encoding.BinaryMarshaler: the proxy travels.
func (m *RWMutex) MarshalBinary() ([]byte, error) { return m.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (m *RWMutex) UnmarshalBinary(b []byte) error {
	return m.unmarshal(b, kindRWMutex, 0)
}

// String names the lock.
func (m *RWMutex) String() string { return m.name("RWMutex") }
