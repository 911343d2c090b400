package spawn

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/osenv"
)

// wait returns when the process has ended. It stays a zombie of this process, unless wait returns false. With a pidfd
// it waits in the network poller, else it costs a thread.
func (c *Child) wait() bool {
	if c.pidfd >= 0 {
		_ = unix.SetNonblock(c.pidfd, true) // what makes os.NewFile use the poller
		f := os.NewFile(uintptr(c.pidfd), "pidfd")
		defer func() {
			c.mu.Lock()
			c.pidfd = -1
			c.mu.Unlock()
			f.Close()
		}()
		if raw, err := f.SyscallConn(); err == nil {
			ended := false
			err := raw.Read(func(fd uintptr) bool {
				ended, err = osenv.WaitNoReap(c.PID, int(fd), false)
				return ended || err != nil
			})
			if ended && err == nil {
				return true
			}
		}
	}
	_, err := osenv.WaitNoReap(c.PID, -1, true)
	return err == nil
}

// hangUp ends the control socket for Recv, after what the worker has sent: another process may hold the worker's end.
func (c *Child) hangUp() {
	if raw, err := c.control.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RD) })
	}
}

// rss reads the resident set of a process from /proc.
func rss(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
