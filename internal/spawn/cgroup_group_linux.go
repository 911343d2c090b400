package spawn

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A group is the control group of one worker, and of whatever it starts.
type group struct {
	h    *hierarchy
	dir  string
	file *os.File // of dir, until the worker has started
}

// limitGroup sets the limits of a group. Without swap, for a worker that swaps makes everybody slow; all of it is killed, for a half of it is of no use.
func limitGroup(dir string, memory int64) error {
	for _, s := range []struct {
		file, text string
		optional   bool // where the kernel knows it
	}{
		{"memory.max", strconv.FormatInt(memory, 10), false},
		{"memory.swap.max", "0", true},
		{"memory.oom.group", "1", true},
	} {
		if err := writeFile(dir+"/"+s.file, s.text); err != nil && (!s.optional || !errors.Is(err, fs.ErrNotExist)) {
			return err
		}
	}
	return nil
}

// enter makes the process that is started with attr start in the group.
func (g *group) enter(attr *syscall.SysProcAttr) {
	if g != nil {
		attr.UseCgroupFD, attr.CgroupFD = true, int(g.file.Fd())
	}
}

// entered is called when a process has been started in the group.
func (g *group) entered() {
	if g != nil {
		g.file.Close()
		g.file = nil
	}
}

// usage is what the kernel counted.
func (g *group) usage() (u usage) {
	if g == nil {
		return u
	}
	events, _ := os.ReadFile(g.dir + "/memory.events")
	for line := range strings.Lines(string(events)) {
		what, n, _ := strings.Cut(strings.TrimSpace(line), " ")
		u.killed = u.killed || (what == "oom_kill" && n != "0")
		u.limit = u.limit || (what == "oom" && n != "0")
	}
	if b, err := os.ReadFile(g.dir + "/memory.peak"); err == nil {
		u.peak, _ = strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	}
	return u
}

// finish kills what is left in the group, those included that went over to another process group, and removes it.
func (g *group) finish() {
	if g == nil {
		return
	}
	_ = writeFile(g.dir+"/cgroup.kill", "1")
	g.remove()
}

// remove removes the group. Processes that were killed just now may take a moment to be gone: then a goroutine waits for that, and what it
// leaves after a while the next process that looks removes, when this one is dead.
func (g *group) remove() {
	g.entered()
	if err := g.h.rmdir(g.dir); err == nil || errors.Is(err, fs.ErrNotExist) {
		return
	}
	go func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for range removals {
			<-tick.C
			if g.empty() && g.h.rmdir(g.dir) == nil {
				return
			}
		}
	}()
}

// removals is how often an attempt is made to remove a group.
const removals = 500

func (g *group) empty() bool {
	b, err := os.ReadFile(g.dir + "/cgroup.events")
	return err != nil || !strings.Contains(string(b), "populated 1")
}
