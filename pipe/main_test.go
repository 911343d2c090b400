package pipe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

func TestMain(m *testing.M) {
	if os.Getenv("MP_PIPE_NO_MAIN") == "" {
		mp.Main()
	}
	if role := os.Getenv("MP_PIPE_ROLE"); role != "" {
		os.Exit(roles[role]())
	}
	// Under the race detector a process waits a second before it exits. Workers need not: the parent has all they say.
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	watchdog := time.AfterFunc(9*time.Minute, func() {
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
		fmt.Fprintln(os.Stderr, "watchdog: the tests hang")
		os.Exit(2)
	})
	// What the first start makes for good is no leak of a test.
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

// roles are programs that tests run as processes that are no workers.
var roles = map[string]func() int{}

var ctx = context.Background()

// short is how long tests wait for what does not come.
const short = 20 * time.Millisecond

// ended is a context that has ended.
func ended() context.Context {
	c, cancel := context.WithCancel(ctx)
	cancel()
	return c
}

// eventually waits until cond holds; a minute is a hang.
func eventually(t testing.TB, what string, cond func() bool) {
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

func situation() string {
	var b strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&b, 2)
	return b.String()
}

// noLeaks checks at the end of the test that it has left nothing behind.
func noLeaks(t testing.TB) {
	t.Helper()
	before := holdings()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		eventually(t, "nothing is left behind", func() bool {
			more := holdings()
			maps.DeleteFunc(more, func(what string, n int) bool { return n <= before[what] })
			return len(more) == 0
		})
	})
}

// holdings is what a test can leak.
func holdings() map[string]int {
	h := map[string]int{"goroutines": runtime.NumGoroutine(), "children": len(mp.ActiveChildren())}
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil {
		h["descriptors"] = len(fds)
	}
	if maps, err := os.ReadFile("/proc/self/maps"); err == nil {
		h["mappings"] = strings.Count(string(maps), "mp-pipe")
	}
	return h
}

// pair is a connection that goes with the test.
func pair(t testing.TB) (a, b *Conn) {
	t.Helper()
	a, b, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ok(t, errors.Join(a.Close(), b.Close())) })
	return a, b
}

// ok fails the test on an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants checks that an error is the one that was to come.
func wants(t testing.TB, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s: %v, not %v", what, err, target)
	}
}

// lasts checks that a wait for what does not come ends with its context, not before, and with the context's error; and at once if
// that has ended already.
func lasts(t *testing.T, wait func(context.Context) error) {
	t.Helper()
	begun := time.Now()
	limited, cancel := context.WithTimeout(ctx, short)
	defer cancel()
	err := wait(limited)
	if took := time.Since(begun); !errors.Is(err, context.DeadlineExceeded) || took < short {
		t.Errorf("after %v of %v: %v", took, short, err)
	}
	wants(t, "with a context that has ended", wait(ended()), context.Canceled)
}

// pattern is n bytes that tell where they are.
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
