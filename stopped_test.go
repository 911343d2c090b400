//go:build linux

package mp_test

import (
	"bufio"
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
)

var nap = mp.Func("nap", func(_ context.Context, d time.Duration) (int, error) {
	time.Sleep(d)
	return 0, nil
})

const stopRounds = 2 // of being stopped, each for 2.5 s

func init() {
	roles["is stopped"] = func() int {
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 2, TaskTimeout: 2 * time.Second})
		if err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println("up")
		failed := 0
		for _, r := range nap.Results(ctx, pool, func(yield func(time.Duration) bool) {
			for end := time.Now().Add(stopRounds * 3500 * time.Millisecond); time.Now().Before(end) && yield(100*time.Millisecond); {
			}
		}, mp.Window(8)) {
			if r.Err != nil {
				failed++
				fmt.Println(r.Err)
			}
		}
		fmt.Printf("%d failed, %d restarts\n", failed, pool.Stats().Restarts)
		_ = pool.Close()
		return 0
	}
}

// The time that a program is stopped, by Ctrl-Z or a debugger, is not its elements': they have ended long ago.
func TestStoppedParent(t *testing.T) {
	noLeaks(t)
	cmd := role("is stopped")
	_, out := proctest.Talk(t, cmd)
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "up" {
		t.Fatalf("%q", lines.Text())
	}
	for range stopRounds {
		for _, s := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
			if err := syscall.Kill(cmd.Process.Pid, s); err != nil {
				t.Fatal(err)
			}
			if s == syscall.SIGSTOP {
				<-time.After(2500 * time.Millisecond)
			} else {
				<-time.After(300 * time.Millisecond)
			}
		}
	}
	last := ""
	for lines.Scan() {
		last = lines.Text()
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(last, "0 failed, 0 restarts") {
		t.Errorf("%q", last)
	}
}
