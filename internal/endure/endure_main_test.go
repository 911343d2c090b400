//go:build linux

// Package endure tests the whole library where a process has little: descriptors, threads, memory, room for files, a place of its own. It is
// a directory of tests only, for it needs every public package.
package endure

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp"
)

const (
	envInside = "MP_ENDURE_INSIDE" // in a program that a test has started to be in its surroundings: the test's name
	envLimits = "MP_ENDURE_LIMITS" // what it is to have little of before it begins, as "nofile=64 as=1073741824"
)

// TestMain takes limits upon itself and begins again with them; else it is that of any test.
func TestMain(m *testing.M) {
	if limits := os.Getenv(envLimits); limits != "" && !mp.IsWorker() {
		os.Exit(underLimits(limits))
	}
	mp.Main()
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	os.Exit(m.Run())
}

var resources = map[string]int{
	"nofile": unix.RLIMIT_NOFILE, "nproc": unix.RLIMIT_NPROC, "as": unix.RLIMIT_AS, "fsize": unix.RLIMIT_FSIZE,
}

// underLimits comes back only if it fails.
func underLimits(limits string) int {
	_ = os.Unsetenv(envLimits)
	for limit := range strings.FieldsSeq(limits) {
		name, text, _ := strings.Cut(limit, "=")
		n, err := strconv.ParseUint(text, 10, 64)
		if err == nil {
			// syscall's own, for then the runtime knows that it must not give the old limit to what it starts.
			err = syscall.Setrlimit(resources[name], &syscall.Rlimit{Cur: n, Max: n})
		}
		if err != nil {
			fmt.Println("limits:", limit, err)
			return 1
		}
	}
	fmt.Println("limits:", syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
	return 1
}

// A surrounding is how the program of a test is started.
type surrounding struct {
	limits string
	how    string                           // for the test inside
	exe    string                           // its file; "" is this program's own
	change func(*exec.Cmd)                  // of how it is started
	dies   func(output string) (why string) // why it may end with an error that is not the test's; nil if it may not
}

// inside reports whether this is the program that runs in the surrounding. Elsewhere it starts that, with the same test, and the test has
// failed if it fails there.
func inside(t *testing.T, s surrounding) bool {
	t.Helper()
	name, _, _ := strings.Cut(t.Name(), "/")
	if os.Getenv(envInside) == name {
		return true
	}
	if s.exe == "" {
		s.exe = "/proc/self/exe"
	}
	cmd := exec.Command(s.exe, "-test.run=^"+name+"$", "-test.v", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), envInside+"="+name, envLimits+"="+s.limits, "MP_ENDURE_HOW="+s.how)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = 30 * time.Second // a worker that outlives it would hold its output
	if s.change != nil {
		s.change(cmd)
	}
	out, err := cmd.CombinedOutput()
	text := string(out)
	switch {
	case err == nil && strings.Contains(text, "--- SKIP"):
		t.Skipf("%s", text)
	case err == nil && strings.Contains(text, "--- PASS: "+name):
		t.Logf("%s", text)
	case s.dies != nil && !strings.Contains(text, "--- FAIL") && s.dies(text) != "":
		t.Logf("it ended, because %s", s.dies(text))
	default:
		t.Errorf("%v\n%s", err, text)
	}
	return false
}
