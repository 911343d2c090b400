package manager_test

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

func TestMain(m *testing.M) {
	mp.Main()
	if role := os.Getenv("MP_MANAGER_ROLE"); role != "" {
		os.Exit(roles[role]())
	}
	// Under the race detector a process waits a second before it exits. Workers need not: the parent has all they say.
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	watchdog := time.AfterFunc(9*time.Minute, func() {
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
		fmt.Fprintln(os.Stderr, "watchdog: the tests hang")
		os.Exit(2)
	})
	code := m.Run()
	watchdog.Stop()
	os.Exit(code)
}

// roles are programs that tests run beside this one.
var roles = map[string]func() int{}

var ctx = context.Background()

// eventually waits until cond holds; a minute is a hang.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
			t.Fatalf("still not: %s", what)
		}
	}
}
