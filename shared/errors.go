package shared

import (
	"errors"
	"fmt"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/arena"
	"github.com/go-multiproc/mp/internal/robust"
)

var (
	// ErrOwnerDied reports that the process that held the lock before died with it; the state it guards may be torn. By Lock, and what is
	// like it, the lock is now held by the caller, who repairs the state and goes on: it is told once. By Do it is not held, the function
	// has not run, and everybody is told until somebody has repaired the state under Lock.
	ErrOwnerDied = errors.New("mp/shared: the last owner of the lock died with it")
	// ErrNotOwner reports an unlock of what the calling process does not hold.
	ErrNotOwner = errors.New("mp/shared: not held by this process")
	// ErrBound reports a count beyond its bound: a permit given back that was not held, a wait group below zero.
	ErrBound = errors.New("mp/shared: out of bounds")
	// ErrBroken reports a barrier that will not be passed: somebody died, gave up, or reset it.
	ErrBroken = errors.New("mp/shared: the barrier is broken")
	// ErrEmpty reports that there is nothing to get, to who did not want to wait for it.
	ErrEmpty = errors.New("mp/shared: empty")
	// ErrNoMemory reports that the family's shared memory, of the Size that Stats tells, has no room for what was to be made. One object can
	// have a half of it at most.
	ErrNoMemory = arena.ErrNoMemory

	// ErrClosed is mp's: the object was freed, or the queue closed.
	ErrClosed = mp.ErrClosed
	// ErrFull is mp's: there is no room, for who did not want to wait for it.
	ErrFull = mp.ErrFull
	// ErrDetached is mp's: the handle was decoded outside the family of its object.
	ErrDetached = mp.ErrDetached
)

// errUnrepaired is ErrOwnerDied as Do returns it, which cannot let its function repair anything.
var errUnrepaired = fmt.Errorf("%w; Lock it to repair what it guards", ErrOwnerDied)

func init() {
	for name, err := range map[string]error{
		"ErrOwnerDied": ErrOwnerDied, "ErrNotOwner": ErrNotOwner, "ErrBound": ErrBound, "ErrBroken": ErrBroken,
		"ErrEmpty": ErrEmpty, "ErrNoMemory": ErrNoMemory,
	} {
		mp.RegisterError("mp/shared."+name, err)
	}
}

// public is the error that this package has for one of package robust.
func public(err error) error {
	switch {
	case errors.Is(err, robust.ErrFreed):
		return ErrClosed
	case errors.Is(err, robust.ErrNotOwner):
		return ErrNotOwner
	}
	return err
}
