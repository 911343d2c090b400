package shared_test

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
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	watchdog := time.AfterFunc(9*time.Minute, func() {
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

var ctx = context.Background()
