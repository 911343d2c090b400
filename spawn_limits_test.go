//go:build linux

package mp_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
)

// limited makes pools under ever higher limits, from so low that none comes up, and prints what came of it.
func limited(resource int, used func() int) int {
	report := func(what string) bool {
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 3})
		if err != nil {
			fmt.Printf("%s: %v\n", what, err)
			return false
		}
		if err := pool.Close(); err != nil {
			fmt.Printf("%s: close: %v\n", what, err)
			return false
		}
		fmt.Printf("%s: ok\n", what)
		return true
	}
	if !report("no limit") { // and what the first pool makes for good is there
		return 1
	}
	var old unix.Rlimit
	if err := unix.Getrlimit(resource, &old); err != nil {
		fmt.Println(err)
		return 1
	}
	kinds := holds[1:] // without the goroutines
	before, failed := proctest.Take(kinds...), 0
	for room := range 64 {
		low := unix.Rlimit{Cur: uint64(used() + room), Max: old.Max}
		if err := unix.Prlimit(0, resource, &low, nil); err != nil {
			fmt.Println(err)
			return 1
		}
		ok := report(fmt.Sprintf("room for %d", room))
		if err := unix.Prlimit(0, resource, &old, nil); err != nil {
			fmt.Println(err)
			return 1
		}
		if ok {
			break
		}
		failed++
	}
	left := ""
	proctest.Within(20*time.Second, func() bool { left = before.More(proctest.Take(kinds...)); return left == "" })
	if left != "" {
		fmt.Println("left:", left)
	}
	fmt.Printf("failed: %d\n", failed)
	return 0
}

func init() {
	roles["few files"] = func() int {
		return limited(unix.RLIMIT_NOFILE, func() int {
			entries, _ := os.ReadDir("/proc/self/fd")
			return len(entries) - 1
		})
	}
	roles["few processes"] = func() int {
		return limited(unix.RLIMIT_NPROC, func() int { // counts the threads of the user, whoever's
			n := 0
			tasks, _ := filepath.Glob("/proc/[0-9]*/task/*")
			for _, task := range tasks {
				var s syscall.Stat_t
				if syscall.Stat(task, &s) == nil && int(s.Uid) == os.Getuid() {
					n++
				}
			}
			return n
		})
	}
}

// T123: under a limit that is too low no pool comes up, the error tells which limit, and nothing is left.
func TestPoolUnderLimits(t *testing.T) {
	noLeaks(t)
	for name, words := range map[string][]string{
		"few files":     {"too many open files"},
		"few processes": {"resource temporarily unavailable", "fatal error: newosproc", "pthread_create failed"},
	} {
		cmd := role(name)
		cmd.Stderr = nil
		if name == "few processes" && os.Getuid() == 0 { // no such limit for root
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54321, Gid: 54321}}
		}
		out, err := cmd.Output()
		if err != nil {
			var ee *exec.ExitError
			if errors.As(err, &ee) && name == "few processes" && (strings.Contains(string(ee.Stderr), words[1]) || strings.Contains(string(ee.Stderr), words[2])) {
				t.Skipf("the parent itself found no thread: %s", out)
			}
			t.Errorf("%s: %v: %s", name, err, out)
			continue
		}
		failed := 0
		for line := range strings.Lines(string(out)) {
			switch what, text, _ := strings.Cut(strings.TrimSpace(line), ": "); {
			case text == "ok":
			case what == "failed":
				if text == "0" {
					t.Errorf("%s: no limit was too low: %s", name, out)
				}
			case !strings.HasPrefix(what, "room"):
				t.Errorf("%s: %s", name, line)
			default:
				failed++
				told := false
				for _, w := range words {
					told = told || strings.Contains(text, w)
				}
				if !told || !strings.Contains(text, "mp: ") {
					t.Errorf("%s: an error that does not tell the limit: %s", name, line)
				}
			}
		}
		t.Logf("%s: %d pools failed", name, failed)
	}
}
