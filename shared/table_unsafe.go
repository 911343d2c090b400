package shared

import (
	"sync/atomic"
	"unsafe"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/arena"
)

// A table has a record for each slot: what that process has of an object. Only the process itself changes its record, and the
// sweep, both under the object's guard. Each record changes in one store, so what can be computed from all of them is never
// torn.
type table [abi.MaxSlots]atomic.Uint64

const tableSize = uint64(unsafe.Sizeof(table{}))

// records is the table of an object that was made with tableSize bytes. If the object was damaged, so that its table is nowhere, nobody has
// anything of it.
func records(a *arena.Arena, c *abi.Cell) *table {
	if p := a.Block(c.Offset.Load(), tableSize); p != nil {
		return (*table)(p)
	}
	return new(table)
}

func (h *handle) records() *table { return records(h.a, h.cell) }

// hasRecord is Kind.Holds for objects with a table.
func hasRecord(a *arena.Arena, c *abi.Cell, dead uint32) bool {
	return records(a, c)[dead].Load() != 0
}

// all calls fn with each record that there may be.
func (t *table) all(a *arena.Arena, fn func(slot uint32, record uint64)) {
	for slot := uint32(1); slot <= a.F.Top(); slot++ {
		if r := t[slot].Load(); r != 0 {
			fn(slot, r)
		}
	}
}
