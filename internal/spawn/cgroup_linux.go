package spawn

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A hierarchy is the control groups of version 2 as this process sees them. Every file of it is reached below root, so that a test can put
// a tree of its own there; the functions do what the kernel's directories do and others do not.
type hierarchy struct {
	root  string // "" for the system's
	mkdir func(dir string) error
	rmdir func(dir string) error
	limit func(dir string, memory int64) error // sets the limits of a group

	once  sync.Once
	place string // where groups can be made; "" if nowhere
	tag   string // of the names of this process's groups
	mu    sync.Mutex
	next  int // guarded by mu: number of the next group
}

var cgroups = newHierarchy("")

func newHierarchy(root string) *hierarchy {
	return &hierarchy{
		root:  root,
		mkdir: func(dir string) error { return os.Mkdir(dir, 0o750) },
		rmdir: os.Remove,
		limit: limitGroup,
	}
}

func (h *hierarchy) read(path string) string {
	b, err := os.ReadFile(h.root + path)
	if err != nil {
		return ""
	}
	return string(b)
}

// writeFile writes to a file that the kernel has made.
func writeFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// find looks once for the place, and removes there what dead processes have left.
func (h *hierarchy) find() {
	h.once.Do(func() {
		start, ok := h.startTime(os.Getpid())
		ns, err := os.Readlink(h.root + "/proc/self/ns/pid")
		if !ok || err != nil {
			return
		}
		ns = strings.Trim(strings.TrimPrefix(ns, "pid:"), "[]")
		h.tag = groupName{ns, os.Getpid(), start}.String()
		for _, dir := range h.candidates() {
			if h.usable(dir) {
				h.place = dir
				h.sweep(ns)
				return
			}
		}
	})
}

// candidates are the directories below which a group of a worker may be made, without moving this process: its own group, which has
// processes and so, by the rule of no internal processes, no controllers for groups below it, unless it is the root; and the one
// above it, if that was delegated together with it. A slice never is: it belongs to systemd.
func (h *hierarchy) candidates() []string {
	dir, mount := h.own()
	if dir == "" {
		return nil
	}
	if dir == mount {
		return []string{dir}
	}
	above := filepath.Dir(dir)
	if strings.HasSuffix(above, ".slice") {
		return []string{dir}
	}
	return []string{dir, above}
}

// own is the directory of this process's group, and where the hierarchy is mounted.
func (h *hierarchy) own() (dir, mount string) {
	group := ""
	for line := range strings.Lines(h.read("/proc/self/cgroup")) {
		if g, ok := strings.CutPrefix(line, "0::"); ok {
			group = strings.TrimSuffix(g, "\n")
		}
	}
	if group == "" || strings.HasPrefix(group, "/..") { // outside this process's namespace
		return "", ""
	}
	for line := range strings.Lines(h.read("/proc/self/mountinfo")) {
		fields, rest, ok := strings.Cut(line, " - ")
		f := strings.Fields(fields)
		if !ok || len(f) < 5 || !strings.HasPrefix(rest, "cgroup2 ") {
			continue
		}
		// The mount may show a part of the tree only.
		below, ok := strings.CutPrefix(group, strings.TrimSuffix(unescape(f[3]), "/"))
		if ok && (below == "" || below[0] == '/') {
			mount = h.root + unescape(f[4])
			return filepath.Join(mount, below), mount
		}
	}
	return "", ""
}

// unescape undoes what the kernel does to spaces in mountinfo.
func unescape(path string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(path)
}

// usable reports whether this process may make groups with a limit on memory below dir, and start processes in them.
func (h *hierarchy) usable(dir string) bool {
	if unix.Access(dir, unix.W_OK|unix.X_OK) != nil || unix.Access(dir+"/cgroup.procs", unix.W_OK) != nil {
		return false
	}
	has := func(file string) bool {
		b, _ := os.ReadFile(dir + "/" + file)
		for c := range bytes.FieldsSeq(b) {
			if string(c) == "memory" {
				return true
			}
		}
		return false
	}
	if !has("cgroup.controllers") {
		return false
	}
	return has("cgroup.subtree_control") || writeFile(dir+"/cgroup.subtree_control", "+memory") == nil
}

// A groupName tells whose a group is: a pid alone is used again, and means another process in another namespace.
type groupName struct {
	ns    string
	pid   int
	start string // the owner's start time
}

const groupPrefix = "mp-"

func (n groupName) String() string {
	return fmt.Sprintf("%s%s-%d-%s-", groupPrefix, n.ns, n.pid, n.start)
}

func parseGroupName(name string) (n groupName, ok bool) {
	f := strings.Split(name, "-")
	if len(f) != 5 || f[0]+"-" != groupPrefix {
		return n, false
	}
	pid, err := strconv.Atoi(f[2])
	return groupName{f[1], pid, f[3]}, err == nil && pid > 0
}

// startTime is when a process started, in ticks since boot.
func (h *hierarchy) startTime(pid int) (string, bool) {
	stat := h.read(fmt.Sprintf("/proc/%d/stat", pid))
	f := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]) // the name may hold anything
	if len(f) < 20 {
		return "", false
	}
	return f[19], true
}

// sweep removes the groups of processes that are dead. One that still has processes stays: the kernel sees to that.
func (h *hierarchy) sweep(ns string) {
	entries, err := os.ReadDir(h.place)
	if err != nil {
		return
	}
	for _, e := range entries {
		n, ok := parseGroupName(e.Name())
		if !ok || !e.IsDir() || n.ns != ns {
			continue
		}
		if start, alive := h.startTime(n.pid); !alive || start != n.start {
			_ = h.rmdir(filepath.Join(h.place, e.Name()))
		}
	}
}

// newGroup makes a group with this limit, nil if that is not possible here.
func (h *hierarchy) newGroup(memory int64) *group {
	h.find()
	if h.place == "" {
		return nil
	}
	h.mu.Lock()
	n := h.next
	h.next++
	h.mu.Unlock()
	g := &group{h: h, dir: fmt.Sprintf("%s/%s%d", h.place, h.tag, n)}
	if h.mkdir(g.dir) != nil {
		return nil
	}
	err := h.limit(g.dir, memory)
	if err == nil {
		g.file, err = os.OpenFile(g.dir, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	}
	if err != nil {
		g.remove()
		return nil
	}
	return g
}
