package shared

import (
	"unsafe"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/arena"
)

const controlSize = uint64(unsafe.Sizeof(abi.QueueControl{}))

// controlOf is the control block of a queue's cell, nil if the cell was damaged, so that it is nowhere.
func controlOf(a *arena.Arena, c *abi.Cell) *abi.QueueControl {
	return (*abi.QueueControl)(a.Block(c.Offset.Load(), controlSize))
}

// headerAt is the header of the record at an offset of a segment.
func headerAt(segment []byte, off uint64) *uint64 {
	return (*uint64)(unsafe.Pointer(&segment[off : off+abi.QueueHeader][0]))
}
