//go:build linux

package osenv

import (
	"math"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Operations of <linux/futex.h>, without FUTEX_PRIVATE_FLAG: the other side is another process.
const (
	futexWait = 0
	futexWake = 1
)

// FutexWait sleeps while *word is val, at most d (0: without limit), and returns early for no reason now and then.
// The word may be in memory shared with other processes.
func FutexWait(word *atomic.Uint32, val uint32, d time.Duration) {
	var ts *unix.Timespec
	if d > 0 {
		t := unix.NsecToTimespec(int64(d))
		ts = &t
	}
	// Syscall6, not RawSyscall6: the runtime must know that this thread blocks, to give its P to others.
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWait, uintptr(val),
		uintptr(unsafe.Pointer(ts)), 0, 0)
}

// FutexWake wakes one sleeper on the word.
func FutexWake(word *atomic.Uint32) { wake(word, 1) }

// FutexWakeAll wakes every sleeper on the word.
func FutexWakeAll(word *atomic.Uint32) { wake(word, math.MaxInt32) }

func wake(word *atomic.Uint32, n uintptr) {
	_, _, _ = unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWake, n, 0, 0, 0)
}

// RobustList is struct robust_list_head of <linux/futex.h>.
type RobustList [3]uintptr

// SetRobustList registers the list for the calling thread.
func SetRobustList(list *RobustList) error {
	_, _, errno := unix.RawSyscall(unix.SYS_SET_ROBUST_LIST, uintptr(unsafe.Pointer(list)), unsafe.Sizeof(*list), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// HasRobustList reports whether the calling thread has a list, or may have one.
func HasRobustList() bool {
	var list, size uintptr
	_, _, errno := unix.RawSyscall(unix.SYS_GET_ROBUST_LIST, 0, uintptr(unsafe.Pointer(&list)), uintptr(unsafe.Pointer(&size)))
	return errno != 0 || list != 0
}

// ThreadID is the kernel's number of the calling thread.
func ThreadID() int { return unix.Gettid() }
