package ring

import (
	"sync/atomic"
	"unsafe"
)

// Memory is a mapping that two processes share.
type Memory []byte

// U64 is the word at a multiple of 8.
func (m Memory) U64(off int) *atomic.Uint64 {
	if off%8 != 0 {
		panic("ring: misaligned word")
	}
	b := m[off : off+8] // the bounds check
	return (*atomic.Uint64)(unsafe.Pointer(unsafe.SliceData(b)))
}

// U32 is the word at a multiple of 4.
func (m Memory) U32(off int) *atomic.Uint32 {
	if off%4 != 0 {
		panic("ring: misaligned word")
	}
	b := m[off : off+4]
	return (*atomic.Uint32)(unsafe.Pointer(unsafe.SliceData(b)))
}
