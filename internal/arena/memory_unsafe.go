package arena

import (
	"sync/atomic"
	"unsafe"

	"github.com/go-multiproc/mp/internal/abi"
)

// memory is the arena, mapped.
type memory []byte

func (m memory) at(off uint64) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(unsafe.SliceData(m)), off)
}

func (m memory) header() *abi.ArenaHeader { return (*abi.ArenaHeader)(m.at(0)) }

func (m memory) bells() *[abi.Bells]abi.Bell {
	return (*[abi.Bells]abi.Bell)(m.at(uint64(unsafe.Sizeof(abi.ArenaHeader{}))))
}

func (m memory) slots() *[abi.MaxSlots]abi.Slot {
	return (*[abi.MaxSlots]abi.Slot)(m.at(uint64(unsafe.Sizeof(abi.ArenaHeader{}) + unsafe.Sizeof([abi.Bells]abi.Bell{}))))
}

func (m memory) tree(size uint64) tree {
	return tree{nodes: m[treeAt(size) : treeAt(size)+size/128], top: orderOf(size)}
}

func (m memory) word(off uint64) *atomic.Uint64 { return (*atomic.Uint64)(m.at(off)) }

// Cell is a cell by its number; nil if there is none.
func (a *Arena) Cell(n uint32) *abi.Cell {
	if n == 0 || n >= a.cells {
		return nil
	}
	return a.cell(n)
}

func (a *Arena) cell(n uint32) *abi.Cell {
	return (*abi.Cell)(a.mem.at(cellsAt + uint64(n)*abi.CellSize))
}

// top is one more than the highest number of a cell that was ever used.
func (a *Arena) top() uint32 { return uint32(min(max(a.Header.CellTop.Load(), 1), uint64(a.cells))) }

// Number is the number of a cell.
func (a *Arena) Number(c *abi.Cell) uint32 {
	return uint32((uintptr(unsafe.Pointer(c)) - uintptr(a.mem.at(cellsAt))) / abi.CellSize)
}

// Pointer is where in memory an offset is, if size bytes from there are in the arena; else nil.
func (a *Arena) Pointer(off, size uint64) unsafe.Pointer {
	if off < prefix(a.size()) || off >= a.size() || size > a.size()-off {
		return nil
	}
	return a.mem.at(off)
}

// Block is Pointer for what needs to be aligned, as the beginning of each block is: on some processors words are, or fault.
func (a *Arena) Block(off, size uint64) unsafe.Pointer {
	if off%abi.Granule != 0 {
		return nil
	}
	return a.Pointer(off, size)
}

// Bytes is memory as bytes; nil if it is not in the arena.
func (a *Arena) Bytes(off, size uint64) []byte {
	p := a.Pointer(off, size)
	if p == nil {
		return nil
	}
	return unsafe.Slice((*byte)(p), size)
}
