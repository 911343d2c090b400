package mptest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const shmDir = "/dev/shm/"

// system adds what the kernel knows of this process.
func (s stock) system() {
	s.children()
	s.descriptors()
	s.mappings("/proc/self/maps")
	s.files()
}

func (s stock) children() {
	lists, _ := filepath.Glob("/proc/self/task/*/children") // the pattern is right
	for _, list := range lists {
		text, _ := os.ReadFile(list) // a thread may have ended
		for pid := range strings.FieldsSeq(string(text)) {
			name, _ := os.ReadFile("/proc/" + pid + "/comm")
			s.add("process "+pid, fmt.Sprintf("process %s (%s)", pid, strings.TrimSpace(string(name))))
		}
	}
}

// descriptors adds each open file by what it is, not by its number, for a program may close and reopen one.
func (s stock) descriptors() {
	for fd, target := range links("/proc/self/fd/") {
		switch target {
		case "anon_inode:[eventpoll]", "anon_inode:[eventfd]": // the runtime's, from the first use on
		default:
			s.add("descriptor "+target, fmt.Sprintf("descriptor %s: %s", fd, target))
		}
	}
}

// links are the symbolic links in a directory, but for one that is gone when it is read, as the directory itself is.
func links(dir string) map[string]string {
	entries, _ := os.ReadDir(dir) // of another user's process: nothing
	targets := make(map[string]string)
	for _, e := range entries {
		if target, err := os.Readlink(dir + e.Name()); err == nil {
			targets[e.Name()] = target
		}
	}
	return targets
}

// mappings adds the memory that this module shares with other processes.
func (s stock) mappings(maps string) {
	text, _ := os.ReadFile(maps)
	for line := range strings.Lines(string(text)) {
		if _, name, ok := strings.Cut(line, "/memfd:mp-"); ok {
			name, _, _ = strings.Cut(name, " ")
			s.add("mapping "+name, "mapping of mp-"+name)
		}
	}
}

// files adds what this user has in /dev/shm. What another program has open there is not this one's: browsers come and go.
func (s stock) files() {
	entries, _ := os.ReadDir(shmDir)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) == os.Getuid() {
			name := shmDir + e.Name()
			s["file "+name] = holding{1, "file " + name, func() bool { return openElsewhere(name) }}
		}
	}
}

// openElsewhere reports whether a process has the file open or mapped, and this one has not.
func openElsewhere(name string) bool {
	self, others := fmt.Sprintf("/proc/%d/", os.Getpid()), false
	processes, _ := filepath.Glob("/proc/[0-9]*/")
	for _, p := range processes {
		if !holds(p, name) {
			continue
		}
		if p == self {
			return false
		}
		others = true
	}
	return others
}

func holds(process, name string) bool {
	for _, target := range links(process + "fd/") {
		if target == name {
			return true
		}
	}
	maps, _ := os.ReadFile(process + "maps")
	return strings.Contains(string(maps), " "+name+"\n")
}
