//go:build linux

package spawn

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/osenv"
)

// The files that the kernel puts into a new group.
var groupFiles = map[string]string{
	"cgroup.procs": "", "cgroup.controllers": "memory pids", "cgroup.subtree_control": "", "cgroup.events": "populated 0\nfrozen 0\n", "cgroup.kill": "",
	"memory.max": "max\n", "memory.swap.max": "max\n", "memory.oom.group": "0\n", "memory.events": "low 0\noom 0\noom_kill 0\n", "memory.peak": "0\n",
}

// fakeHierarchy is a hierarchy in a directory, with files of these names and contents.
func fakeHierarchy(t *testing.T, files map[string]string) *hierarchy {
	t.Helper()
	h := newHierarchy(t.TempDir())
	put := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(h.root+name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(h.root+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put(fmt.Sprintf("/proc/%d/stat", os.Getpid()), fakeStat("1000"))
	put("/proc/self/ns/x", "")
	if err := os.Symlink("pid:[4026531836]", h.root+"/proc/self/ns/pid"); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		put(name, text)
	}
	h.mkdir = func(dir string) error {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		for name, text := range groupFiles {
			put(strings.TrimPrefix(dir, h.root)+"/"+name, text)
		}
		return nil
	}
	h.rmdir = func(dir string) error {
		if b, err := os.ReadFile(dir + "/cgroup.procs"); err != nil || len(b) > 0 {
			return errors.Join(err, syscall.EBUSY)
		}
		return os.RemoveAll(dir)
	}
	return h
}

// fakeStat is /proc/pid/stat of a process with a nasty name.
func fakeStat(start string) string {
	return "7 (a) b (c) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 " + start + " 0 0 0"
}

const unified = "30 20 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"

func TestCgroupPlace(t *testing.T) {
	const service = "/sys/fs/cgroup/system.slice/a.service"
	for name, c := range map[string]struct {
		cgroup, mountinfo string
		files             map[string]string
		place             string
	}{
		"above its own, delegated with it": {"0::/system.slice/a.service/main\n", unified, map[string]string{
			service + "/cgroup.procs": "", service + "/cgroup.controllers": "cpu memory", service + "/cgroup.subtree_control": "cpu memory\n",
			service + "/main/cgroup.procs": "7", service + "/main/cgroup.controllers": "cpu memory",
		}, service},
		"the controller is switched on": {"0::/system.slice/a.service/main\n", unified, map[string]string{
			service + "/cgroup.procs": "", service + "/cgroup.controllers": "cpu memory", service + "/cgroup.subtree_control": "cpu\n",
			service + "/main/cgroup.procs": "7", service + "/main/cgroup.controllers": "cpu memory",
		}, service},
		"the controller is not there": {"0::/system.slice/a.service/main\n", unified, map[string]string{
			service + "/cgroup.procs": "", service + "/cgroup.controllers": "cpu", service + "/cgroup.subtree_control": "cpu\n",
			service + "/main/cgroup.procs": "7", service + "/main/cgroup.controllers": "cpu",
		}, ""},
		"no write access": {"0::/system.slice/a.service/main\n", unified, map[string]string{
			service + "/cgroup.controllers": "cpu memory", service + "/cgroup.subtree_control": "cpu memory\n",
			service + "/main/cgroup.procs": "7", service + "/main/cgroup.controllers": "cpu memory",
		}, ""},
		"a slice is systemd's": {"0::/system.slice/a.service\n", unified, map[string]string{
			service + "/cgroup.procs": "7", service + "/cgroup.controllers": "memory",
			"/sys/fs/cgroup/system.slice/cgroup.procs": "", "/sys/fs/cgroup/system.slice/cgroup.controllers": "memory",
			"/sys/fs/cgroup/system.slice/cgroup.subtree_control": "memory",
		}, ""},
		"the root may have both processes and groups": {"12:memory:/x\n0::/\n", unified, map[string]string{
			"/sys/fs/cgroup/cgroup.procs": "7", "/sys/fs/cgroup/cgroup.controllers": "memory", "/sys/fs/cgroup/cgroup.subtree_control": "memory",
		}, "/sys/fs/cgroup"},
		"a part of the tree, somewhere else": {"0::/docker/a b/main\n", "1 2 0:3 / /proc rw - proc proc rw\n" +
			"30 20 0:26 /docker/a\\040b /mnt/c\\040d rw - cgroup2 c rw\n", map[string]string{
			"/mnt/c d/cgroup.procs": "", "/mnt/c d/cgroup.controllers": "memory", "/mnt/c d/cgroup.subtree_control": "memory",
		}, "/mnt/c d"},
		"another part of the tree":     {"0::/docker/ab\n", "30 20 0:26 /docker/a /sys/fs/cgroup rw - cgroup2 c rw\n", nil, ""},
		"outside of the namespace":     {"0::/../b\n", unified, nil, ""},
		"version 1":                    {"4:memory:/a\n", "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", nil, ""},
		"both, memory is in version 1": {"4:memory:/a\n0::/\n", unified, map[string]string{"/sys/fs/cgroup/cgroup.procs": "7", "/sys/fs/cgroup/cgroup.controllers": "hugetlb"}, ""},
		"no /proc":                     {},
	} {
		files := map[string]string{"/proc/self/cgroup": c.cgroup, "/proc/self/mountinfo": c.mountinfo}
		maps.Copy(files, c.files)
		h := fakeHierarchy(t, files)
		if h.find(); strings.TrimPrefix(h.place, h.root) != c.place {
			t.Errorf("%s: %q, want %q", name, h.place, c.place)
		}
		if g := h.newGroup(1 << 20); (g != nil) != (c.place != "") {
			t.Errorf("%s: a group: %v", name, g)
		} else if g != nil {
			g.remove()
		}
	}
}

// placed is a fake hierarchy in which groups can be made.
func placed(t *testing.T, files map[string]string) *hierarchy {
	t.Helper()
	all := map[string]string{
		"/proc/self/cgroup": "0::/\n", "/proc/self/mountinfo": unified, "/sys/fs/cgroup/cgroup.procs": "7",
		"/sys/fs/cgroup/cgroup.controllers": "memory", "/sys/fs/cgroup/cgroup.subtree_control": "memory",
	}
	maps.Copy(all, files)
	return fakeHierarchy(t, all)
}

func groupsIn(t *testing.T, h *hierarchy) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(h.root + "/sys/fs/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestCgroupOfAWorker(t *testing.T) {
	noLeaks(t)
	h := placed(t, nil)
	g, other := h.newGroup(1<<20), h.newGroup(2<<20)
	if g == nil || other == nil || len(groupsIn(t, h)) != 2 {
		t.Fatal(g, other)
	}
	for file, want := range map[string]string{"memory.max": "1048576", "memory.swap.max": "0\n", "memory.oom.group": "1\n"} {
		if b, err := os.ReadFile(g.dir + "/" + file); err != nil || !strings.HasPrefix(string(b), strings.TrimSpace(want)) {
			t.Errorf("%s: %q, %v", file, b, err)
		}
	}
	if u := g.usage(); u != (usage{}) {
		t.Errorf("%+v", u)
	}
	for file, text := range map[string]string{"memory.events": "low 0\nhigh 0\nmax 12\noom 1\noom_kill 3\noom_group_kill 1\n", "memory.peak": "1048576\n"} {
		if err := os.WriteFile(g.dir+"/"+file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if u := g.usage(); u != (usage{killed: true, limit: true, peak: 1 << 20}) {
		t.Errorf("%+v", u)
	}
	attr := new(syscall.SysProcAttr)
	if g.enter(attr); !attr.UseCgroupFD || attr.CgroupFD <= 0 {
		t.Errorf("%+v", attr)
	}
	// Processes that are on their way out hold it up.
	procs := other.dir + "/cgroup.procs"
	if err := os.WriteFile(procs, []byte("7"), 0o644); err != nil {
		t.Fatal(err)
	}
	g.finish()
	other.finish()
	if b, err := os.ReadFile(other.dir + "/cgroup.kill"); err != nil || string(b) != "1" {
		t.Errorf("cgroup.kill: %q, %v", b, err)
	}
	if err := os.WriteFile(procs, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { return len(groupsIn(t, h)) == 0 })
}

// Whatever fails leaves nothing, and the parent looks at the worker's memory itself.
func TestCgroupFails(t *testing.T) {
	noLeaks(t)
	h := placed(t, nil)
	mkdir := h.mkdir
	for _, file := range []string{"", "memory.max", "memory.oom.group", "memory.swap.max"} {
		h.mkdir = func(dir string) error {
			if file == "" {
				return fs.ErrPermission
			}
			if err := mkdir(dir); err != nil {
				return err
			}
			return os.Remove(dir + "/" + file)
		}
		g := h.newGroup(1 << 20)
		if optional := file == "memory.swap.max" || file == "memory.oom.group"; (g != nil) != optional {
			t.Errorf("without %q: %v", file, g)
		}
		if g != nil {
			g.finish()
		}
		if left := groupsIn(t, h); len(left) > 0 {
			t.Errorf("without %q: left %q", file, left)
		}
	}
}

// What a killed parent has left is removed by the next that looks, and nothing else.
func TestCgroupSweep(t *testing.T) {
	const dir = "/sys/fs/cgroup/"
	dead := []string{"mp-4026531836-77-1000-0", "mp-4026531836-88-1000-12"} // no process 77; 88 has started later
	stay := []string{
		"mp-4026531836-99-2000-0", // lives
		"mp-4026531836-66-1000-0", // has processes
		"mp-4026531837-77-1000-0", // 77 is somebody else there
		"mp-x", "mp-4026531836-a-1-1", "main", "mp-4026531836-77-1000-0-x",
	}
	files := map[string]string{"/proc/99/stat": fakeStat("2000"), "/proc/88/stat": fakeStat("2000")}
	for _, name := range append(slices.Clone(dead), stay...) {
		files[dir+name+"/cgroup.procs"] = map[bool]string{true: "6"}[strings.Contains(name, "-66-")]
	}
	h := placed(t, files)
	h.find()
	slices.Sort(stay)
	if left := groupsIn(t, h); !slices.Equal(left, stay) {
		t.Errorf("left: %q", left)
	}
	if n, ok := parseGroupName(h.tag + "0"); !ok || n != (groupName{"4026531836", os.Getpid(), "1000"}) {
		t.Errorf("%+v, %v", n, ok)
	}
}

// withHierarchy makes workers start in groups of h, for the time of a test.
func withHierarchy(t *testing.T, h *hierarchy) {
	old := cgroups
	cgroups = h
	t.Cleanup(func() { cgroups = old })
}

// A directory that is no group: the start fails in it, and then succeeds without.
func TestStartWithoutTheGroup(t *testing.T) {
	noLeaks(t)
	h := placed(t, nil)
	withHierarchy(t, h)
	s, _ := testSpec("memory")
	s.MemoryLimit = 100 << 20
	c := begin(t, s)
	<-c.Done()
	if e := c.Exit(); c.group != nil || !e.OOM || e.Limit != s.MemoryLimit || e.Memory <= e.Limit {
		t.Errorf("%+v", e)
	}
	if left := groupsIn(t, h); len(left) > 0 || h.next != 1 {
		t.Errorf("left: %q, %d were made", left, h.next)
	}
}

// realHierarchy is the system's own mount of version 2, whatever controllers it has.
func realHierarchy(t *testing.T) string {
	t.Helper()
	_, mount := newHierarchy("").own()
	if mount == "" {
		t.Skip("no control groups of version 2")
	}
	if unix.Access(mount, unix.W_OK) != nil || unix.Access(mount+"/cgroup.procs", unix.W_OK) != nil {
		t.Skip("this user may not make control groups in ", mount)
	}
	return mount
}

// A worker starts in its group, whatever it starts is in it, too, and when it ends nothing of that is left: also not what
// went over to a session of its own.
func TestStartInAGroup(t *testing.T) {
	noLeaks(t)
	h := newHierarchy("")
	h.limit = func(string, int64) error { return nil } // there may be no memory controller
	h.place, h.tag = realHierarchy(t), fmt.Sprintf("mp-test-%d-", os.Getpid())
	h.once.Do(func() {})
	withHierarchy(t, h)
	s, _ := testSpec("escapes")
	s.MemoryLimit = 1 << 40
	k := osenv.Default()
	start, failed := k.Start, error(nil)
	k.Start = func(path string, argv []string, attr *syscall.ProcAttr) (int, int, error) {
		pid, pidfd, err := start(path, argv, attr)
		failed = errors.Join(failed, err)
		return pid, pidfd, err
	}
	c, err := Start(k, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if c.group == nil {
		t.Skip("the kernel starts no process in a group here: ", failed)
	}
	group := "0::/" + filepath.Base(c.group.dir) + "\n"
	if got := cgroupOf(c.PID); !strings.Contains(got, group) {
		t.Fatalf("it is in %q, not in %q", got, group)
	}
	var escaped []string
	await(t, func() bool {
		b, _ := os.ReadFile(c.group.dir + "/cgroup.procs")
		escaped = strings.Fields(string(b))
		return len(escaped) == 2
	})
	c.Kill()
	<-c.Done()
	await(t, func() bool {
		_, err := os.Stat(c.group.dir)
		return errors.Is(err, fs.ErrNotExist)
	})
}

func cgroupOf(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	return string(b)
}

// Where memory is delegated, the kernel enforces the limit, and tells.
func TestMemoryLimitByGroup(t *testing.T) {
	noLeaks(t)
	if cgroups.find(); cgroups.place == "" {
		t.Skip("no control group with a memory controller was delegated to this process")
	}
	s, _ := testSpec("memory")
	s.MemoryLimit = 100 << 20
	c := begin(t, s)
	if c.group == nil {
		t.Fatal("the worker has no group")
	}
	dir := c.group.dir
	<-c.Done()
	if e := c.Exit(); !e.OOM || e.Limit != s.MemoryLimit || e.Memory < s.MemoryLimit*9/10 || e.Memory > s.MemoryLimit {
		t.Errorf("%+v", e)
	}
	await(t, func() bool {
		_, err := os.Stat(dir)
		return errors.Is(err, fs.ErrNotExist)
	})
}

func init() {
	roles["escapes"] = func() {
		child := exec.Command("sleep", "1000")
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := child.Start(); err != nil {
			panic(err)
		}
	}
}
