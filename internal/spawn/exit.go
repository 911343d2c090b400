package spawn

import (
	"strings"
	"syscall"
	"time"

	"github.com/go-multiproc/mp/internal/osenv"
)

// watch follows the process to its end.
func (c *Child) watch() {
	limit := c.limitMemory()
	ours := c.wait()
	close(limit)
	c.hangUp()
	if ours {
		// It is a zombie now: the group it leads cannot be anybody else's.
		_ = osenv.KillGroup(c.PID)
		if family != nil && !c.spec.NoArena { // else it had nothing of the family's, and waits for nobody who has
			family.Ended(c.PID) // before anybody is told: what it held is free when its end is known
		}
	} else {
		// Somebody else in this program reaped it, so its pid may be another's. The lifeline still means its group.
		closeAll(c.lifeline[0], c.lifeline[1])
	}
	flushed := time.NewTimer(flushLimit)
	c.stdout.finish(flushed)
	c.stderr.finish(flushed)
	flushed.Stop()

	c.mu.Lock()
	status, err := osenv.Reap(c.PID)
	c.reaped = true
	killed := c.killed
	c.mu.Unlock()
	if err != nil {
		status.Code = -1
	}
	c.exit = Exit{ExitStatus: status, Stderr: c.stderr.last(), Crash: c.crashReport()}
	c.setMemory(&c.exit)
	c.group.finish()
	c.exit.OOM = c.exit.OOM ||
		status.Signal == syscall.SIGKILL && !killed && oomKills() > c.oomBefore ||
		strings.Contains(c.exit.Crash, "fatal error: runtime: out of memory") ||
		strings.Contains(c.exit.Crash, "fatal error: runtime: cannot allocate memory")
	close(c.done)
}

const maxCrash = 64 << 10

func (c *Child) crashReport() string {
	b := make([]byte, maxCrash)
	n, _ := c.crash.ReadAt(b, 0)
	report := string(b[:n])
	if report == "" && c.Channel.Alive.Load() == 0 { // it crashed before it knew where its report should go
		return c.stderr.crash()
	}
	// The runtime says the reason of a fatal error before it turns to the crash output, so only stderr has it.
	if reason := c.stderr.reason(); report != "" && !strings.Contains(report, reason) {
		report = reason + "\n" + strings.TrimLeft(report, "\n")
	}
	return report
}
