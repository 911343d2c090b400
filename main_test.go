package mp_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// TestMain makes this binary a worker, a role of a test that needs a whole program, or the tests.
func TestMain(m *testing.M) {
	if os.Getenv("MP_TEST_NO_MAIN") == "" {
		mp.Main()
	}
	if role := os.Getenv("MP_TEST_ROLE"); role != "" {
		os.Exit(roles[role]())
	}
	// Under the race detector a process waits a second before it exits. Workers need not: the parent has all they say.
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	// A hang must tell where, before the test binary's own timeout or the machine ends it.
	watchdog := time.AfterFunc(9*time.Minute+chaosTime()+enduranceTime(), func() {
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
		fmt.Fprintln(os.Stderr, "watchdog: the tests hang")
		os.Exit(2)
	})
	// What the first start makes for good, the thread that starts processes, is no leak of a test.
	if p, err := mp.NewPool(mp.PoolConfig{Workers: 1}); err == nil {
		_ = p.Close()
	}
	code := m.Run()
	watchdog.Stop()
	if left := mp.ActiveChildren(); len(left) > 0 && code == 0 {
		fmt.Fprintln(os.Stderr, "children are left:", left)
		code = 1
	}
	os.Exit(code)
}

// chaosTime is how much longer than others the chaos tests are to take: MP_CHAOS_TIME, or a second for each of MP_CHAOS.
func chaosTime() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("MP_CHAOS_TIME")); err == nil {
		return d
	}
	d, _ := time.ParseDuration(os.Getenv("MP_CHAOS") + "s") // 0 if it is not set
	return d
}

// enduring is a number that a long form of a test is given in the environment, or that of its short form.
func enduring(name string, short int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return short
}

// enduranceTime is how much longer than others the endurance tests may take, on a slow machine, before they are taken for stuck.
func enduranceTime() time.Duration {
	return time.Duration(enduring("MP_SOAK", 0)/10_000+enduring("MP_POOLS", 0)) * time.Second
}

// roles are programs that tests run as processes of their own.
var roles = map[string]func() int{}

// eventually waits until cond holds; the watchdog ends what never does.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("still not: %s\n%s", what, situation())
		}
	}
}

// situation is what a failure that comes once in a thousand runs has to tell.
func situation() string {
	var b strings.Builder
	for _, c := range mp.ActiveChildren() {
		fmt.Fprintf(&b, "%+v\n", c)
		for _, f := range []string{"status", "wchan", "stack"} {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", c.PID, f))
			fmt.Fprintf(&b, "%s: %s (%v)\n", f, text, err)
		}
	}
	_ = pprof.Lookup("goroutine").WriteTo(&b, 2)
	return b.String()
}

// noLeaks checks at the end of the test that it has left nothing behind.
func noLeaks(t *testing.T) {
	t.Helper()
	before := holdings()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		var now map[string]int
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		deadline := time.After(30 * time.Second)
		for {
			now = holdings()
			more := ""
			for what, n := range now {
				if n > before[what] {
					more += fmt.Sprintf("%s: %d before, %d now\n", what, before[what], n)
				}
			}
			if more == "" {
				return
			}
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("left behind:\n%s\n%s", more, situation())
			}
		}
	})
}

// holdings is what this process holds that a test can leak.
func holdings() map[string]int {
	h := map[string]int{"goroutines": runtime.NumGoroutine(), "children": len(mp.ActiveChildren())}
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil {
		h["descriptors"] = len(fds)
	}
	if maps, err := os.ReadFile("/proc/self/maps"); err == nil {
		h["channels"] = strings.Count(string(maps), "mp-channel")
	}
	if shm, err := sharedFiles(); err == nil {
		h["/dev/shm"] = len(shm)
	}
	return h
}

// sharedFiles are the files in /dev/shm, but those that tests of other packages, which run at the same time, make there, and Python for them.
func sharedFiles() ([]string, error) {
	entries, err := os.ReadDir("/dev/shm")
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "mptest_") && !strings.HasPrefix(e.Name(), "mp_") && !strings.HasPrefix(e.Name(), "sem.mp-") {
			names = append(names, e.Name())
		}
	}
	return names, err
}

func newPool(t *testing.T, c mp.PoolConfig) *mp.Pool {
	t.Helper()
	pool, err := mp.NewPool(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return pool
}

var ctx = context.Background()

// expired is a context that has ended.
func expired() context.Context {
	c, cancel := context.WithCancel(ctx)
	cancel()
	return c
}

func upTo(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

func isPattern(b []byte, n int) bool {
	if len(b) != n {
		return false
	}
	for i := range b {
		if b[i] != byte(i^i>>8^i>>16) {
			return false
		}
	}
	return true
}
