//go:build linux

package mp_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// sideStuck is where a worker of these tests is stuck; how says in what.
var sideStuck = mp.Func("sideStuck", stuckInSide)

//go:noinline
func stuckInSide(_ context.Context, how string) (int, error) {
	go func() { select {} }()
	switch how {
	case "loop":
		for n := 0; n >= 0; n++ {
		}
	case "stop":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	}
	select {}
}

// firstGoroutine is the first of a dump.
func firstGoroutine(dump string) string {
	first, _, _ := strings.Cut(dump, "\n\n")
	return first
}

// W29. The stack of a stuck worker tells where it is stuck, first of all.
func TestStacks(t *testing.T) {
	noLeaks(t)
	for _, how := range []string{"wait", "loop"} {
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 2, MaxProcs: 1})
		if err != nil {
			t.Fatal(err)
		}
		sideStuck.Go(ctx, pool, how)
		index := -1
		eventually(t, "it runs", func() bool {
			for _, w := range pool.Workers() {
				if w.Function == "sideStuck" {
					index = w.Index
				}
			}
			return index >= 0
		})
		eventually(t, "it is stuck", func() bool {
			dump, err := pool.Stacks(ctx, index)
			if err != nil {
				t.Fatal(err)
			}
			return strings.Contains(firstGoroutine(dump), "stuckInSide")
		})
		dump, err := pool.Stacks(ctx, 1-index)
		if err != nil || strings.Contains(dump, "stuckInSide") || !strings.Contains(firstGoroutine(dump), "internal/link.(*server).loop(") {
			t.Errorf("the idle worker: %v\n%s", err, dump)
		}
		for _, bad := range []int{-1, 2} {
			if _, err := pool.Stacks(ctx, bad); err == nil {
				t.Errorf("worker %d exists", bad)
			}
		}
		_ = pool.Kill()
		if _, err := pool.Stacks(ctx, 0); !errors.Is(err, mp.ErrClosed) {
			t.Error(err)
		}
	}
}

func TestProcessStacks(t *testing.T) {
	noLeaks(t)
	p, err := sideStuck.Start(ctx, "wait")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is stuck", func() bool {
		dump, err := p.Stacks(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(firstGoroutine(dump), "stuckInSide")
	})
	_ = p.Close()
	if _, err := p.Stacks(ctx); !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
}

// Who asks a stopped worker waits for ctx, or for the worker's end, and leaves nothing; one that goes on answers as ever.
func TestStacksOfStopped(t *testing.T) {
	noLeaks(t)
	p, err := sideStuck.Start(ctx, "wait")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Stacks(ctx); err != nil {
		t.Fatal(err)
	}
	stop(t, p.PID())
	for range 100 { // more than the socket takes
		ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
		if _, err := p.Stacks(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		cancel()
	}
	if err := syscall.Kill(p.PID(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Stacks(ctx); err != nil {
		t.Error(err)
	}
	stop(t, p.PID())
	asked := make(chan error)
	for range 3 {
		go func() {
			_, err := p.Stacks(ctx)
			asked <- err
		}()
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	for range 3 {
		if err := <-asked; !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
	}
}

// W29. The error of an element that had to be killed tells where it was.
func TestTimeoutStack(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 1, MaxProcs: 1})
	for _, how := range []string{"wait", "loop"} {
		for grace := 250 * time.Millisecond; ; grace *= 2 { // how long it takes to tell depends on who else wants the CPUs
			_, err := sideStuck.Call(ctx, pool, how, mp.Timeout(10*time.Millisecond), mp.Grace(grace))
			var late *mp.TimeoutError
			if !errors.As(err, &late) || !late.Killed {
				t.Fatal(err)
			}
			if strings.Contains(firstGoroutine(late.Stack), "stuckInSide") {
				break
			}
			t.Logf("%s: within %v it told %q", how, grace, late.Stack)
		}
	}
	// One that is stopped cannot tell, and is killed all the same; so is one that has no time to.
	for how, grace := range map[string]time.Duration{"stop": 100 * time.Millisecond, "wait": 0} {
		_, err := sideStuck.Call(ctx, pool, how, mp.Timeout(2*time.Second), mp.Grace(grace)) // by then it is stopped
		var late *mp.TimeoutError
		if !errors.As(err, &late) || !late.Killed || late.Stack != "" {
			t.Errorf("%s: %v: %+v", how, err, late)
		}
	}
}
