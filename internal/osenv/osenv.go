// Package osenv is the kernel as this library sees it: a struct of functions for what starting a process needs, so
// that a test can make any of them fail, and plain functions for what waiting needs. Files named _linux are the only
// ones that know a system call; on other systems every function returns errors.ErrUnsupported.
package osenv

import (
	"os"
	"syscall"
	"time"
)

// Kernel is what the start of a process asks of the system. The zero value is of no use; Default returns the real one.
type Kernel struct {
	// Start starts a process and returns its pid and, where the system has them, a pidfd, else -1.
	Start func(path string, argv []string, attr *syscall.ProcAttr) (pid, pidfd int, err error)
	// Socketpair returns two connected stream sockets, both close-on-exec and non-blocking.
	Socketpair func() (parent, child *os.File, err error)
	// Packets is Socketpair with sockets that pass packets on, each wholly or not at all.
	Packets func() (parent, child *os.File, err error)
	// Pipe returns a pipe, both ends close-on-exec.
	Pipe func() (r, w *os.File, err error)
	// SharedMemory returns memory without a name of exactly this size, which nobody can resize.
	SharedMemory func(name string, size int64) (*os.File, error)
	// Scratch returns a file without a name that may grow.
	Scratch func(name string) (*os.File, error)
	// Null opens the file that is always empty.
	Null func() (*os.File, error)
	// ArmLifeline makes the system kill a process group once both ends of this pipe are closed, one after the other:
	// it needs nobody's cooperation, and a process that ends closes what it held.
	ArmLifeline func(r, w *os.File, pgid int) error
}

// ExitStatus is how a process ended.
type ExitStatus struct {
	Code   int            // of an exit; -signal if a signal ended it
	Signal syscall.Signal // 0 if it exited
	MaxRSS int64          // bytes
	User   time.Duration
	System time.Duration
}
