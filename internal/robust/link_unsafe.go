package robust

import (
	"sync/atomic"
	"unsafe"
)

// link writes struct robust_list_head {next, futex_offset, list_op_pending} and one entry after it, in a circle, at
// list. The addresses in it are of mapped memory, which never moves, and only the kernel follows them.
func link(list []byte, alive *atomic.Uint32) *[3]uint64 {
	words := (*[4]uint64)(unsafe.Pointer(unsafe.SliceData(list[:32])))
	head, entry := &words[0], &words[3]
	words[0] = uint64(uintptr(unsafe.Pointer(entry)))
	words[1] = uint64(uintptr(unsafe.Pointer(alive)) - uintptr(unsafe.Pointer(entry)))
	words[2] = 0
	words[3] = uint64(uintptr(unsafe.Pointer(head)))
	return (*[3]uint64)(unsafe.Pointer(words))
}
