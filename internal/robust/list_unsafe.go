package robust

import (
	"sync/atomic"
	"unsafe"

	"github.com/go-multiproc/mp/internal/osenv"
)

// list is struct robust_list_head, {next, futex_offset, list_op_pending}, and the one entry that there ever is, {next}.
// The kernel reads it at any moment, so it is a whole list after each store. A package's variable never moves.
//
// entry.next and offset are written before the store to next that makes them part of the list.
var list struct {
	next   atomic.Uintptr
	offset uintptr // from an entry to its word, whatever memory either is in
	_      uintptr // list_op_pending: unused
	entry  uintptr
}

func init() { list.next.Store(uintptr(unsafe.Pointer(&list))) } // empty: a circle of the head alone

// head is the list as the kernel wants it.
func head() *osenv.RobustList { return (*osenv.RobustList)(unsafe.Pointer(&list)) }

// link puts the word on the list.
func link(alive *atomic.Uint32) {
	list.entry = uintptr(unsafe.Pointer(&list))
	list.offset = uintptr(unsafe.Pointer(alive)) - uintptr(unsafe.Pointer(&list.entry))
	list.next.Store(uintptr(unsafe.Pointer(&list.entry)))
}
