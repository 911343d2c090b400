package spawn

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"sync"
)

// oomKills counts what the kernel's OOM killer killed in this process's control group, in which its workers are, too,
// or, where no group tells, anywhere on the machine since boot. Together with a SIGKILL that nobody here sent, that
// the count has grown is a good guess at the reason.
func oomKills() int64 {
	n, _ := readOOMKills(oomFile())
	return n
}

// oomFile is the file that tells, found once: a program that is moved to another group loses no more than a guess.
var oomFile = sync.OnceValue(func() string {
	b, _ := os.ReadFile("/proc/self/cgroup")
	for _, file := range oomFiles(string(b)) {
		if _, ok := readOOMKills(file); ok {
			return file
		}
	}
	return ""
})

// oomFiles are the files that may tell, the best first, by what /proc/self/cgroup says: lines of "number:controllers:path".
func oomFiles(groups string) []string {
	var files []string
	for line := range strings.Lines(groups) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		switch {
		case len(f) < 3:
		case f[1] == "memory": // version 1
			files = append(files, "/sys/fs/cgroup/memory"+f[2]+"/memory.oom_control")
		case f[1] == "": // version 2
			files = append(files, "/sys/fs/cgroup"+f[2]+"/memory.events")
		}
	}
	return append(files, "/proc/vmstat")
}

// readOOMKills reads the line "oom_kill <number>", which all of these files have.
func readOOMKills(file string) (int64, bool) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	for line := range bytes.Lines(b) {
		if v, ok := bytes.CutPrefix(line, []byte("oom_kill ")); ok {
			n, err := strconv.ParseInt(string(bytes.TrimSpace(v)), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
