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
	watchdog := time.AfterFunc(9*time.Minute, func() {
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
		fmt.Fprintln(os.Stderr, "watchdog: the tests hang")
		os.Exit(2)
	})
	code := m.Run()
	watchdog.Stop()
	os.Exit(code)
}

var ctx = context.Background()
