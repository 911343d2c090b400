package spawn

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/osenv"
)

// wait returns when the process has ended, and leaves it a zombie. With a pidfd it waits in the network poller, else
// it costs a thread.
func (c *Child) wait() {
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
				return
			}
		}
	}
	_, _ = osenv.WaitNoReap(c.PID, -1, true) // an error means that there is no such child: reaping will tell
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

// oomKills counts what the kernel's OOM killer killed since boot, anywhere on the machine: together with a SIGKILL
// that nobody here sent, a good guess at the reason.
func oomKills() int64 {
	b, err := os.ReadFile("/proc/vmstat")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(b) {
		if v, ok := bytes.CutPrefix(line, []byte("oom_kill ")); ok {
			n, _ := strconv.ParseInt(string(bytes.TrimSpace(v)), 10, 64)
			return n
		}
	}
	return 0
}
