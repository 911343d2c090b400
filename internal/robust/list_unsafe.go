package robust

import (
	"sync/atomic"
	"unsafe"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
)

// list is struct robust_list_head, {next, futex_offset, list_op_pending}. The kernel reads it, and the entries that follow
// it, at any moment, so it is a whole list after each store. A package's variable never moves, nor does what is mapped.
var list struct {
	next   atomic.Uintptr
	offset int     // from an entry to its word: an entry lies behind its word, whatever memory that is in
	_      uintptr // list_op_pending: unused
}

func init() {
	list.next.Store(uintptr(unsafe.Pointer(&list))) // empty: a circle of the head alone
	list.offset = -abi.RobustEntry
}

// head is the list as the kernel wants it.
func head() *osenv.RobustList { return (*osenv.RobustList)(unsafe.Pointer(&list)) }

// link puts the word in front of the list. The entry points on before the list leads to it.
func link(alive *atomic.Uint32) {
	entry := (*atomic.Uintptr)(unsafe.Add(unsafe.Pointer(alive), abi.RobustEntry))
	entry.Store(list.next.Load())
	list.next.Store(uintptr(unsafe.Pointer(entry)))
}
