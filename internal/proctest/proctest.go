// Package proctest is what the tests of several packages do alike: they wait, they look for what a test leaves behind, and they ask
// the kernel about processes. Only tests import it. What is public of it for the tests of programs is package mptest.
package proctest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what has to come: generous, for nothing is measured.
const patience = time.Minute

// Guard calls run, the tests of a package, and returns its exit code. If they hang, they end after limit with the stacks of all
// goroutines: before the test binary's own timeout or the machine ends them without a word.
func Guard(limit time.Duration, run func() int) int {
	// Under the race detector a process waits a second before it exits. Those that tests start need not: the parent has all they say.
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	watchdog := time.AfterFunc(limit, func() {
		fmt.Fprintln(os.Stderr, Stacks()+"watchdog: the tests hang")
		os.Exit(2)
	})
	defer watchdog.Stop()
	return run()
}

// Eventually waits until cond holds. A minute is a hang: the test fails with the stacks of all goroutines, and what more tells.
func Eventually(t testing.TB, what string, cond func() bool, more ...func() string) {
	t.Helper()
	if Within(patience, cond) {
		return
	}
	t.Fatalf("still not: %s\n%s%s", what, tell(more), Stacks())
}

// Within reports whether cond comes to hold in time.
func Within(limit time.Duration, cond func() bool) bool {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(limit)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			return false
		}
	}
	return true
}

func tell(more []func() string) string {
	var b strings.Builder
	for _, f := range more {
		b.WriteString(f() + "\n")
	}
	return b.String()
}

// Talk starts a program and returns its stdin and its stdout. Its stderr is the test's.
func Talk(t testing.TB, cmd *exec.Cmd) (io.WriteCloser, *bufio.Reader) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return in, bufio.NewReader(out)
}

// Stacks is where all goroutines of this process are.
func Stacks() string {
	var b strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&b, 2)
	return b.String()
}

// A Buffer keeps what is written to it. It is safe for concurrent use; the zero Buffer is empty.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Pattern is n bytes that tell where they are.
func Pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = patternAt(i)
	}
	return b
}

// IsPattern reports whether b is Pattern(n).
func IsPattern(b []byte, n int) bool {
	for i := range b {
		if b[i] != patternAt(i) {
			return false
		}
	}
	return len(b) == n
}

func patternAt(i int) byte { return byte(i ^ i>>8 ^ i>>16) }
