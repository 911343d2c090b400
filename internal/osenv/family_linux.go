package osenv

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// MapSparse maps size bytes of f, shared, of which most will never be touched: they are no part of a core dump, which
// would have to look at each page.
func MapSparse(f *os.File, size int) ([]byte, error) {
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_NORESERVE)
	if err != nil {
		return nil, unmapped(err)
	}
	_ = unix.Madvise(b, unix.MADV_DONTDUMP) // a wish
	return b, nil
}

// Release gives whole pages of shared memory back to the system: for everybody who maps them, they are zero again.
func Release(b []byte) error { return os.NewSyscallError("madvise", unix.Madvise(b, unix.MADV_REMOVE)) }

// ProcessStart is when a process started, in the low 32 bits of the kernel's clock ticks, and whether it is a zombie. There is
// no such process if the error is fs.ErrNotExist.
func ProcessStart(pid int) (start uint32, ended bool, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, unix.ESRCH) {
		err = fs.ErrNotExist // it was reaped while it was read
	}
	if err != nil {
		return 0, false, err
	}
	const state, starttime = 0, 19 // fields 3 and 22 of proc(5), counted behind the name, which may hold anything
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) <= starttime {
		return 0, false, fmt.Errorf("/proc/%d/stat: %q", pid, b)
	}
	ticks, err := strconv.ParseUint(string(fields[starttime]), 10, 64)
	return uint32(ticks), fields[state][0] == 'Z' || fields[state][0] == 'X', err
}

// Ended reports whether the process that had this pid and start has ended, all threads of it. It may be a stranger, and may
// have been reaped. If the system does not tell, it has not.
func Ended(pid int, start uint32) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err == nil {
		defer func() { _ = unix.Close(fd) }()
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if n, err := unix.Poll(poll, 0); err == nil && n == 1 {
			return true
		}
	}
	if errors.Is(err, unix.ESRCH) {
		return true
	}
	got, zombie, err := ProcessStart(pid)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist) && fd < 0 // with a pidfd it is there, whatever /proc shows
	}
	return got != start || zombie && fd < 0 // with a pidfd, a zombie leader of living threads is known not to have ended
}
