package proctest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Children are the processes that this one has started and not reaped.
func Children(s Stock) {
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); errors.Is(err, unix.ECHILD) {
		s.Add("children", 0)
		return
	}
	var names []string // a kernel may be built without these lists
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		text, _ := os.ReadFile(list) // the thread may have ended
		for pid := range strings.FieldsSeq(string(text)) {
			name, _ := os.ReadFile("/proc/" + pid + "/comm")
			names = append(names, pid+" "+strings.TrimSpace(string(name)))
		}
	}
	s.Add("children", max(1, len(names)), names...)
}

// Stat is what /proc tells of a process, "12", or a thread, "12/task/13": the fields of its stat file from the third on, its state.
// The second, its name, may hold anything, so only the last parenthesis ends it.
func Stat(process string) ([]string, error) {
	b, err := os.ReadFile("/proc/" + process + "/stat")
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])), nil
}

// Ended reports whether a process runs no more, reaped or not.
func Ended(pid int) bool {
	f, err := Stat(fmt.Sprint(pid))
	return err != nil || f[0] == "Z" || f[0] == "X"
}

// Stopped reports whether every thread of a process is stopped.
func Stopped(pid int) bool {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	for _, task := range tasks {
		if f, err := Stat(strings.TrimPrefix(task, "/proc/")); err != nil || f[0] != "T" {
			return false
		}
	}
	return len(tasks) > 0
}

// LimitAddresses leaves this process so many bytes of address space more than it has.
func LimitAddresses(more uint64) error {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return err
	}
	var pages uint64
	if _, err := fmt.Sscan(string(b), &pages); err != nil {
		return err
	}
	limit := pages*uint64(os.Getpagesize()) + more
	return unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: limit, Max: limit})
}
