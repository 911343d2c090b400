//go:build linux

package mp_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp"
)

// leaveHeir starts a process in a session of its own that has every descriptor of this one, reports its pid, and exits.
var leaveHeir = mp.Func("leaveHeir", func(ctx context.Context, report string) (int, error) {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "sleep", "1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0, err
	}
	for _, f := range fds {
		n, err := strconv.Atoi(f.Name())
		if err != nil {
			return 0, err
		}
		if n, err = syscall.Dup(n); err == nil { // the one that read the directory is gone
			cmd.ExtraFiles = append(cmd.ExtraFiles, os.NewFile(uintptr(n), "heirloom"))
		}
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	if err := os.WriteFile(report, []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
		return 0, err
	}
	os.Exit(7)
	return 0, nil
})

// W43, H15: that a process has ended is known though another one holds all its descriptors.
func TestHeirsHoldNobodyUp(t *testing.T) {
	noLeaks(t)
	ended := func(what string, run func(report string) error) {
		report := t.TempDir() + "/pid"
		err := run(report)
		b, readErr := os.ReadFile(report)
		heir, convErr := strconv.Atoi(string(b))
		if readErr != nil || convErr != nil || heir <= 0 {
			t.Fatalf("%s: no heir: %v, %v, %v", what, err, readErr, convErr)
		}
		if we, ok := errors.AsType[*mp.WorkerError](err); !ok || we.ExitCode != 7 {
			t.Errorf("%s: %v", what, err)
		}
		if err := syscall.Kill(heir, syscall.SIGKILL); err != nil {
			t.Errorf("%s: the heir of the worker had ended before it: %v", what, err)
		}
	}
	ended("process", func(report string) error {
		p, err := leaveHeir.Start(ctx, report)
		if err != nil {
			return err
		}
		_, err = p.Wait(ctx)
		return err
	})
	ended("pool", func(report string) error {
		pool := newPool(t, mp.PoolConfig{Workers: 1})
		_, err := leaveHeir.Call(ctx, pool, report)
		if v, e := square.Call(ctx, pool, 3); v != 9 || e != nil {
			t.Errorf("the successor: %d, %v", v, e)
		}
		return errors.Join(err, pool.Close())
	})
}

// W24: whatever the threads of the program do at the moment of a start, holding locks of the allocator, the scheduler or the program, a worker
// comes up, for none of it is copied.
func TestStartsAmongBusyThreads(t *testing.T) {
	noLeaks(t)
	var stop atomic.Bool
	var busy sync.WaitGroup
	var mu sync.Mutex
	var hold [][]byte
	for range 4 {
		busy.Go(func() {
			for !stop.Load() {
				mu.Lock()
				if hold = append(hold, make([]byte, 1<<16)); len(hold) > 100 {
					hold = nil
					runtime.GC()
				}
				mu.Unlock()
			}
		})
	}
	for i := range 20 {
		p, err := square.Start(ctx, i)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := p.Wait(ctx); v != i*i || err != nil {
			t.Error(v, err)
		}
	}
	stop.Store(true)
	busy.Wait()
}
