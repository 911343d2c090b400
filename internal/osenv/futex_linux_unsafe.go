//go:build linux

package osenv

import (
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
func FutexWake(word *atomic.Uint32) {
	_, _, _ = unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWake, 1, 0, 0, 0)
}

// SetRobustList registers the list at head, in the layout of <linux/futex.h>, for the calling thread.
func SetRobustList(head *[3]uint64) error {
	_, _, errno := unix.RawSyscall(unix.SYS_SET_ROBUST_LIST, uintptr(unsafe.Pointer(head)), unsafe.Sizeof(*head), 0)
	if errno != 0 {
		return errno
	}
	return nil
}
