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
	// Holds reports whether the dead process may have a part in the object: only then Bury is called. For guarded kinds it may be
	// called while others change the object.
	Holds func(a *Arena, c *abi.Cell, dead uint32) bool
	// Bury takes the dead process out of a live object.
	Bury func(a *Arena, c *abi.Cell, dead uint32)
	// End gives back the parts of an object that is ending.
	End func(a *Arena, c *abi.Cell)
}

// Kinds are set in package initialization.
var Kinds [256]Kind

// sweep gives back what a process held that has ended. It runs under the sweep lock.
func (a *Arena) sweep(dead uint32) {
	if a.F.TakeOver(&a.Header.HeapLock, dead) {
		robust.At("sweep: heap taken over")
		a.rebuild()
		a.unlockHeap()
	}
	for n := uint32(1); n < a.top(); n++ {
		c := a.cell(n)
		meta := c.Meta.Load()
		switch kind := &Kinds[abi.Kind(meta)]; abi.State(meta) {
		case abi.CellBuilding:
			if c.Owner.Load() == dead {
				a.finish(c, kind)
			}
		case abi.CellEnding:
			if c.Owner.Load() == dead {
				a.finish(c, kind)
			}
		case abi.CellLive:
			a.bury(c, kind, dead)
		}
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

func (a *Arena) bury(c *abi.Cell, kind *Kind, dead uint32) {
	if !kind.Guarded {
		if kind.Bury != nil {
			kind.Bury(a, c, dead)
		}
		if !kind.Part {
			robust.Bury(&c.Lock, dead) // last: from here on others change the object
		}
		return
	}
	// What a guard protects is repaired before anybody else gets it.
	if !a.F.TakeOver(&c.Lock, dead) && (!kind.Holds(a, c, dead) || !a.F.Guard(&c.Lock)) {
		return
	}
	if abi.State(c.Meta.Load()) == abi.CellLive {
		kind.Bury(a, c, dead)
	}
	a.F.Unguard(&c.Lock)
}
