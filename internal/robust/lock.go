package robust

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
)

// A Lock is a lock that a process may hold for long, and that tells the next owner if the last one died with it. Any
// goroutine of the owner may unlock it. Its word is all there is to it: the sweep of a dead owner puts abi.LockDied in
// place of its slot.
type Lock struct {
	F       *Family
	Word    *atomic.Uint32
	Waiting *atomic.Uint64 // bells
	Tag     uint64
	Gate    *Gate          // among the goroutines of this process
	Meta    *atomic.Uint64 // of the object, nil if it stays for ever
	Is      uint64         // what Meta is as long as the lock is that object's
}

var (
	// ErrFreed reports a lock whose object is gone.
	ErrFreed = errors.New("mp: freed")
	// ErrNotOwner reports a lock that this process does not hold.
	ErrNotOwner = errors.New("mp: not the owner of the lock")
)

const (
	spins = 30 // rounds of a look and four pauses, about 4 µs
	// patience is how long a waiter lets others overtake it, as in sync.Mutex.
	patience = time.Millisecond
)

// Try takes the lock if it is free, and reports whether it did, and whether its last owner died with it.
func (l Lock) Try() (taken, died bool) { return l.try(false) }

// TryFor is Try for a lock that others hold for moments only, in a row: it tries for so long.
func (l Lock) TryFor(limit time.Duration) bool {
	for begun := time.Now(); ; {
		for range spins {
			if taken, _ := l.Try(); taken {
				return true
			}
			osenv.Pause(4)
		}
		if l.gone(l.Word.Load()) || time.Since(begun) > limit {
			return false
		}
		osenv.Yield()
		runtime.Gosched() // the holder may be a goroutine of this process
	}
}

// try takes the lock; the heir may take what nobody else may.
func (l Lock) try(heir bool) (taken, died bool) {
	for {
		w := l.Word.Load()
		if abi.Owner(w) != 0 || l.gone(w) || abi.Heir(w) != 0 && (!heir || abi.Heir(w) != l.F.Me) {
			return false, false
		}
		if l.Word.CompareAndSwap(w, l.F.Me) {
			At("lock: taken")
			return true, w&abi.LockDied != 0
		}
	}
}

// Lock waits for the lock. It reports whether the last owner died with it.
func (l Lock) Lock(ctx context.Context) (died bool, err error) {
	for range spins {
		if taken, died := l.Try(); taken {
			return died, nil
		}
		osenv.Pause(4)
	}
	if err := l.Gate.Enter(ctx); err != nil {
		return false, err
	}
	defer l.Gate.Exit()
	begun, heir, taken, idle := time.Now(), false, false, idleHeir{}
	err = l.F.Wait(ctx, l.Waiting, l.Tag, func() bool {
		w := l.Word.Load()
		if l.gone(w) {
			return true
		}
		if taken, died = l.try(heir); taken {
			heir = false // it went with the word
			return true
		}
		if heir = heir && abi.Heir(w) == l.F.Me; !heir && abi.Heir(w) == 0 && abi.Owner(w) != 0 && time.Since(begun) > patience {
			heir = l.Word.CompareAndSwap(w, w|abi.HeirBits(l.F.Me)) // of a lock that somebody has: who gives it back wakes the heir
			At("lock: heir")
		}
		l.passOver(w, &idle)
		l.F.Suspect(abi.Owner(w))
		l.F.Suspect(abi.Heir(w))
		return false
	})
	l.F.Leave(l.Waiting)
	if heir {
		l.disinherit()
	}
	if err != nil && l.free() {
		l.F.WakeOne(l.Waiting, l.Tag) // it may have been woken in place of another
	}
	if err == nil && !taken {
		err = ErrFreed
	}
	return died, err
}

// An idleHeir is an heir that was seen not to take a free lock.
type idleHeir struct {
	slot  uint32
	since time.Time
}

// passOver takes the right to be the next from another process that has not used it for a tick: it is stopped, perhaps.
func (l Lock) passOver(w uint32, seen *idleHeir) {
	switch slot := abi.Heir(w); {
	case abi.Owner(w) != 0 || slot == 0 || slot == l.F.Me:
		*seen = idleHeir{}
	case seen.slot != slot:
		*seen = idleHeir{slot, time.Now()}
	case time.Since(seen.since) >= tick && l.Word.CompareAndSwap(w, w&^abi.LockHeir):
		*seen = idleHeir{}
		l.F.WakeOne(l.Waiting, l.Tag)
		l.F.waiting.ring() // this one looks again, too
	}
}

// gone reports whether the lock, whose word is w, is no more, or another object's.
func (l Lock) gone(w uint32) bool {
	return w&abi.LockFreed != 0 || l.Meta != nil && l.Meta.Load() != l.Is
}

// disinherit gives up the right to be the next.
func (l Lock) disinherit() {
	for w := l.Word.Load(); w&abi.LockFreed == 0 && abi.Heir(w) == l.F.Me; w = l.Word.Load() {
		if l.Word.CompareAndSwap(w, w&^abi.LockHeir) {
			return
		}
	}
}

func (l Lock) free() bool {
	w := l.Word.Load()
	return abi.Owner(w) == 0 && !l.gone(w)
}

// Unlock gives the lock back. With torn, the next owner is told that its last one died.
func (l Lock) Unlock(torn bool) error {
	for {
		w := l.Word.Load()
		switch {
		case w&abi.LockFreed != 0:
			return ErrFreed
		case abi.Owner(w) != l.F.Me:
			return ErrNotOwner
		}
		next := w & abi.LockHeir
		if torn {
			next |= abi.LockDied
		}
		if !l.Word.CompareAndSwap(w, next) { // SYNC POINT lock: before the look at Waiting
			continue
		}
		At("lock: given back")
		if heir := abi.Heir(w); heir != 0 {
			l.F.WakeHeir(heir, l.Tag)
		} else {
			l.F.WakeOne(l.Waiting, l.Tag)
		}
		return nil
	}
}

// Bury takes a dead process out of a lock word. Only for sweeps.
func Bury(word *atomic.Uint32, dead uint32) {
	for w := word.Load(); w&abi.LockFreed == 0; w = word.Load() {
		next := w
		if abi.Owner(w) == dead {
			next = next&^abi.LockOwner | abi.LockDied
		}
		if abi.Heir(w) == dead {
			next &^= abi.LockHeir
		}
		if next == w || word.CompareAndSwap(w, next) {
			return
		}
	}
}
