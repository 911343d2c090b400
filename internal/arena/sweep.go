package arena

import (
	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/robust"
)

// A Kind is what a sweep has to know of a kind of object. Its functions are called for a process that has ended, by one process
// at a time, and again from the start if that one dies.
type Kind struct {
	// Guarded tells that Lock is a guard: then Bury is called under it.
	Guarded bool
	// Part tells that it is a part of the object that Parent names, which looks after its locks.
	Part bool
	// Holds reports whether the dead process may have a part in the object of a guarded kind: only then Bury is called. It may be
	// called while others change the object, or when the cell is another's by now.
	Holds func(a *Arena, c *abi.Cell, dead uint32) bool
	// Bury takes the dead process out of a live object, whose Meta this is.
	Bury func(a *Arena, c *abi.Cell, meta uint64, dead uint32)
	// End gives back the parts of an object that is ending.
	End func(a *Arena, c *abi.Cell)
}

// Kinds are set in package initialization.
var Kinds [256]Kind

// sweep gives back what a process held that has ended. It runs under the sweep lock.
func (a *Arena) sweep(dead uint32) {
	a.lockHeap() // and with it repairs the heap, if the dead process has its lock
	a.unlockHeap()
	for n := uint32(1); n < a.top(); n++ {
		c := a.cell(n)
		meta := c.Meta.Load()
		switch kind := &Kinds[abi.Kind(meta)]; abi.State(meta) {
		case abi.CellBuilding, abi.CellEnding:
			if c.Owner.Load() == dead {
				a.finish(c, kind)
			}
		case abi.CellLive:
			a.bury(c, kind, meta, dead)
		}
		a.F.Unbell(dead, &c.Waiting, &c.Waiting2, &c.E)
	}
}

// finish ends what the dead process was building or ending.
func (a *Arena) finish(c *abi.Cell, kind *Kind) {
	c.Owner.Store(a.F.Me) // if this process dies, too, its sweep goes on here
	if kind.End != nil {
		kind.End(a, c)
	}
	a.Free(c)
}

// bury takes a dead process out of a live object. The object may be freed meanwhile, and its cell become another's: Meta tells, under
// the guard.
func (a *Arena) bury(c *abi.Cell, kind *Kind, meta uint64, dead uint32) {
	if !kind.Guarded {
		if kind.Bury != nil {
			kind.Bury(a, c, meta, dead)
		}
		if a.F.TakeOver(&c.Guard, dead) {
			a.F.Unguard(&c.Guard) // what it protects is whole after each step
		}
		if !kind.Part {
			robust.Bury(&c.Lock, dead) // last: from here on others change the object
		}
		return
	}
	// What a guard protects is repaired before anybody else gets it.
	from := dead
	if !a.F.TakeOver(&c.Lock, dead) {
		if !kind.Holds(a, c, dead) {
			return
		}
		var ok bool
		if from, ok = a.F.GuardInSweep(&c.Lock, func() bool { return c.Meta.Load() == meta && a.rescueHeap() }); !ok {
			return
		}
	}
	if c.Meta.Load() != meta {
		// It may be a mutex's by now: so who waits for that is woken.
		_ = robust.Lock{F: a.F, Word: &c.Lock, Waiting: &c.Waiting, Tag: robust.Tag(a.Number(c))}.Unlock(false)
		return
	}
	for _, slot := range [...]uint32{from, dead} {
		if slot != 0 {
			kind.Bury(a, c, meta, slot)
		}
	}
	a.F.Unguard(&c.Lock)
}

// rescueHeap takes the heap's lock from a process that has ended: a guard that this sweep waits for may be that of somebody who waits for
// the heap. It returns true.
func (a *Arena) rescueHeap() bool {
	if a.F.HasEnded(abi.Owner(a.Header.HeapLock.Load())) {
		a.lockHeap()
		a.unlockHeap()
	}
	return true
}
