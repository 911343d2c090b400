package shared

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/race"
	"github.com/go-multiproc/mp/internal/robust"
)

// A Mutex is a lock that one process at a time holds, and that says so if its holder died. It is the process that
// holds it: any goroutine of it may unlock, and between goroutines it works as sync.Mutex does. Who waits longer than 1 ms is
// the next. Uncontended, Lock and Unlock take some nanoseconds and no system call. All methods are safe for concurrent use.
type Mutex struct{ handle }

// NewMutex makes a mutex that nobody holds.
func NewMutex() (*Mutex, error) {
	h, err := newObject("NewMutex", kindMutex, 0, nil)
	if err != nil {
		return nil, err
	}
	return &Mutex{h}, nil
}

// Lock waits for the mutex. With ErrOwnerDied it is held as well.
func (m *Mutex) Lock(ctx context.Context) error {
	if m != nil && m.cell != nil && ctx.Err() == nil && m.cell.Lock.CompareAndSwap(0, m.me) {
		robust.At("lock: taken")
		if m.cell.Meta.Load() == m.meta {
			race.Acquire(m.local)
			return nil
		}
		return m.undo(false)
	}
	return m.lockSlowly(ctx)
}

// undo gives back the lock of a cell that has become another object, whose next owner is told what was not meant for this one.
func (m *Mutex) undo(died bool) error {
	_ = m.lock().Unlock(died) // this process has it
	return ErrClosed
}

func (m *Mutex) lock() robust.Lock {
	return m.handle.lock(m.cell, &m.local.Gates[0])
}

func (m *Mutex) lockSlowly(ctx context.Context) error {
	if err := m.check(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	died, err := m.lock().Lock(ctx)
	if err != nil {
		return public(err)
	}
	return m.locked(died)
}

// locked is what somebody who has just got the lock is told.
func (m *Mutex) locked(died bool) error {
	switch {
	case m.cell.Meta.Load() != m.meta:
		return m.undo(died)
	case died:
		race.Acquire(m.local)
		return ErrOwnerDied
	}
	race.Acquire(m.local)
	return nil
}

// TryLock takes the mutex if it is free, and reports whether it did. With ErrOwnerDied it did.
func (m *Mutex) TryLock() (bool, error) {
	if err := m.check(); err != nil {
		return false, err
	}
	taken, died := m.lock().Try()
	if !taken {
		m.a.F.Suspect(abi.Owner(m.cell.Lock.Load()))
		return false, m.check()
	}
	err := m.locked(died)
	return err != ErrClosed, err //nolint:errorlint // from locked
}

// Unlock gives the mutex back. It is ErrNotOwner if this process does not hold it.
func (m *Mutex) Unlock() error {
	c := m.cell
	race.Release(m.local)
	if c == nil || c.Meta.Load() != m.meta || !c.Lock.CompareAndSwap(m.me, 0) { // SYNC POINT lock: before the look at Waiting
		return m.unlock(false)
	}
	robust.At("lock: given back")
	if c.Waiting.Load() != 0 {
		m.wakeOne(&c.Waiting)
	}
	return nil
}

func (m *Mutex) unlock(torn bool) error {
	if err := m.check(); err != nil {
		return err
	}
	race.Release(m.local)
	return public(m.lock().Unlock(torn))
}

// Do calls fn with the mutex held, and returns its error. If the last owner died, fn is not called, and Do returns
// ErrOwnerDied, to everybody, until somebody has used Lock to repair what the mutex guards. Where there is nothing to repair, use Lock, and
// go on with ErrOwnerDied as without.
func (m *Mutex) Do(ctx context.Context, fn func() error) (err error) {
	if err := m.Lock(ctx); err != nil {
		if err == ErrOwnerDied { //nolint:errorlint // from Lock, and then it is held
			_ = m.unlock(true)
			return errUnrepaired
		}
		return err
	}
	defer func() {
		if uerr := m.Unlock(); err == nil {
			err = uerr
		}
	}()
	return fn()
}

// Locker is the mutex for code that knows sync.Locker. Its Lock waits without limit. It panics with ErrOwnerDied, and does not
// hold the mutex then: use Lock where state must be repaired.
func (m *Mutex) Locker() sync.Locker { return locker{m} }

type locker struct{ m *Mutex }

func (l locker) Lock() {
	if err := l.m.Lock(context.Background()); err != nil {
		if err == ErrOwnerDied { //nolint:errorlint // from Lock, and then it is held
			_ = l.m.unlock(true)
		}
		panic(err)
	}
}

func (l locker) Unlock() {
	if err := l.m.Unlock(); err != nil {
		panic(err)
	}
}

// Free returns the mutex's memory, as that of every handle. That of a Value or an Array goes with it, and not alone.
func (m *Mutex) Free() error {
	if m.cell != nil && abi.Kind(m.meta) != kindMutex && m.check() == nil {
		return errPart
	}
	return m.handle.Free()
}

var errPart = errors.New("mp/shared: the mutex belongs to a Value or an Array: it goes with that")

// Locked reports whether any process holds the mutex.
func (m *Mutex) Locked() bool { return m.check() == nil && abi.Owner(m.cell.Lock.Load()) != 0 }

// String names the mutex and its owner.
func (m *Mutex) String() string {
	name, ok := m.name("Mutex")
	if !ok {
		return name
	}
	return name + m.state()
}

func (m *Mutex) state() string {
	w := m.cell.Lock.Load()
	switch {
	case abi.Owner(w) != 0:
		return fmt.Sprintf("(held by %s)", m.who(abi.Owner(w)))
	case w&abi.LockDied != 0:
		return "(its last owner died)"
	}
	return "(free)"
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (m *Mutex) MarshalBinary() ([]byte, error) { return m.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (m *Mutex) UnmarshalBinary(b []byte) error {
	return m.unmarshal(b, kindMutex, kindValue, kindArray)
}
