package shared

import (
	"fmt"
	"slices"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/arena"
)

// What tests from outside look at inside.

// Memory is this process's arena.
func Memory() *arena.Arena {
	a, err := own.join()
	if err != nil {
		panic(err)
	}
	return a
}

// Cell is the cell of an object.
func (h *handle) Cell() *abi.Cell { return h.cell }

// Record is what a process has of an object with a table.
func (h *handle) Record(slot uint32) uint64 { return h.records()[slot].Load() }

// End is the queue's other cell.
func (q *Queue[T]) End() *abi.Cell { return q.end }

// Ends are how often something was put and taken.
func (q *Queue[T]) Ends() (puts, gets uint64) { return q.ctl.Puts.Load(), q.ctl.Gets.Load() }

// Segments is how many segments a queue has.
func (q *Queue[T]) Segments() (n int) {
	q.a.Parts(q.a.Ref(q.cell), func(_ *abi.Cell, meta uint64) {
		if abi.Kind(meta) == kindSegment {
			n++
		}
	})
	return n
}

// used calls fn with every cell that is in use.
func used(a *arena.Arena, fn func(n uint32, c *abi.Cell, state uint8)) {
	for n := uint32(1); n < uint32(a.Header.CellTop.Load()); n++ {
		if state := abi.State(a.Cell(n).Meta.Load()); state != abi.CellFree {
			fn(n, a.Cell(n), state)
		}
	}
}

// Cells are the cells in use, with what Meta says of them. Nobody may change them meanwhile.
func Cells() map[uint32]uint64 {
	cells := make(map[uint32]uint64)
	used(Memory(), func(n uint32, c *abi.Cell, _ uint8) { cells[n] = c.Meta.Load() })
	return cells
}

// FreeCell frees an object of which nobody has a handle.
func FreeCell(n uint32, meta uint64) {
	a := Memory()
	if a.End(a.Cell(n), meta) {
		if end := arena.Kinds[abi.Kind(meta)].End; end != nil {
			end(a, a.Cell(n))
		}
		a.Free(a.Cell(n))
	}
}

// Untidy tells what is wrong with the summaries of the cells: blocks must not overlap, the list of free cells must hold each of
// them once, and the counters must fit. Nobody may change anything meanwhile.
func Untidy() error {
	a := Memory()
	h := a.Header
	type block struct{ from, to uint64 }
	var blocks []block
	var objects, bytes uint64
	used(a, func(_ uint32, c *abi.Cell, _ uint8) {
		objects++
		if c.Size.Load() > 0 {
			size := uint64(abi.Granule) << c.Order.Load()
			blocks = append(blocks, block{c.Offset.Load(), c.Offset.Load() + size})
			bytes += size
		}
	})
	slices.SortFunc(blocks, func(x, y block) int { return int(int64(x.from) - int64(y.from)) })
	for i, b := range blocks {
		if i > 0 && b.from < blocks[i-1].to {
			return fmt.Errorf("blocks %v and %v overlap", blocks[i-1], b)
		}
	}
	if objects != h.Objects.Load() || bytes != h.Used.Load() {
		return fmt.Errorf("%d objects, %d bytes are counted, there are %d, %d", h.Objects.Load(), h.Used.Load(), objects, bytes)
	}
	free := make(map[uint64]bool)
	for n := h.FreeCell.Load(); n != 0; n = a.Cell(uint32(n)).Next.Load() {
		if free[n] || abi.State(a.Cell(uint32(n)).Meta.Load()) != abi.CellFree {
			return fmt.Errorf("the list of free cells leads to cell %d, free before: %v", n, free[n])
		}
		free[n] = true
	}
	if n := uint64(len(free)) + objects + 1; n != h.CellTop.Load() {
		return fmt.Errorf("%d cells are used or free, %d were ever used", n, h.CellTop.Load())
	}
	if h.HeapLock.Load() != 0 {
		return fmt.Errorf("the heap is locked by %d", h.HeapLock.Load())
	}
	return nil
}

// Traces tells where a slot is still named that was swept.
func Traces(slot uint32) (found []string) {
	a := Memory()
	used(a, func(n uint32, c *abi.Cell, state uint8) {
		say := func(where string, is bool) {
			if is {
				found = append(found, fmt.Sprintf("%s of cell %d, kind %d, state %d", where, n, abi.Kind(c.Meta.Load()), state))
			}
		}
		kind := abi.Kind(c.Meta.Load())
		say("Owner", c.Owner.Load() == slot && (state != abi.CellLive || kind == kindDelivery || kind == kindBlock))
		say("Lock", abi.Owner(c.Lock.Load()) == slot)
		say("Lock's heir", abi.Heir(c.Lock.Load()) == slot && !arena.Kinds[kind].Guarded)
		say("Guard", c.Guard.Load() == slot)
		switch kind {
		case kindRWMutex, kindSemaphore, kindCond, kindBarrier:
			say("record", state == abi.CellLive && records(a, c)[slot].Load() != 0)
		}
		say("writer", kind == kindRWMutex && c.A.Load() == uint64(slot))
		say("heir", kind == kindSemaphore && c.D.Load() == uint64(slot))
	})
	if a.Header.HeapLock.Load() == slot {
		found = append(found, "HeapLock")
	}
	return found
}
