//go:build linux

package mp_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// T001, T007, T014: start, join, exit code; the function's result comes back.
func TestProcess(t *testing.T) {
	noLeaks(t)
	p, err := square.Start(ctx, 12, mp.Name("twelve"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Name() != "twelve" || p.PID() == os.Getpid() {
		t.Errorf("%q with pid %d", p.Name(), p.PID())
	}
	found := slices.ContainsFunc(mp.ActiveChildren(), func(c mp.ProcessInfo) bool {
		return c.PID == p.PID() && c.Name == "twelve" && c.Worker == -1 && c.Depth == 1
	})
	select {
	case <-p.Done(): // it may have ended before the list was read
	default:
		if !found {
			t.Errorf("not among the active children: %+v", mp.ActiveChildren())
		}
	}
	if v, err := p.Wait(ctx); v != 144 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
	if p.ExitCode() != 0 || p.Alive() || !errors.Is(p.Kill(), os.ErrProcessDone) || p.Close() != nil {
		t.Errorf("after the end: exit code %d, alive %v", p.ExitCode(), p.Alive())
	}
	eventually(t, "the child is no longer active", func() bool { return len(mp.ActiveChildren()) == 0 })
}

// T178: as something that pipe.Wait waits for it is ready from when it has ended, in whatever way.
func TestProcessAwaitReady(t *testing.T) {
	noLeaks(t)
	p, err := wait.Start(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.AwaitReady(expired()); !errors.Is(err, context.Canceled) {
		t.Errorf("it runs: %v", err)
	}
	got := make(chan error)
	for range 3 {
		go func() { got <- p.AwaitReady(ctx) }()
	}
	if err := p.Kill(); err != nil {
		t.Error(err)
	}
	for range 3 {
		if err := <-got; err != nil {
			t.Error(err)
		}
	}
	if err := p.AwaitReady(expired()); err != nil {
		t.Errorf("it has ended: %v", err)
	}
}

// T029: an error of the function is what Wait returns, and exit code 1.
func TestProcessFailure(t *testing.T) {
	noLeaks(t)
	p, err := fail.Start(ctx, "eof")
	if err != nil {
		t.Fatal(err)
	}
	var re *mp.RemoteError
	if _, err := p.Wait(ctx); !errors.As(err, &re) || p.ExitCode() != 1 {
		t.Errorf("%v, exit code %d", err, p.ExitCode())
	}
}

// T001, T005, T205, W39: a child knows its name, its pid and its parent, and has the directory and the environment that it was given.
func TestProcessCurrentAndOptions(t *testing.T) {
	noLeaks(t)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w, err := getwd.Start(ctx, struct{}{}, mp.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := w.Wait(ctx); got != dir || err != nil {
		t.Errorf("directory %q, %v", got, err)
	}
	t.Setenv("MP_TEST_A", "parent's")
	e, err := getenv.Start(ctx, "MP_TEST_A", mp.Env([]string{"MP_TEST_A=child's"}))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := e.Wait(ctx); got != "child's" || err != nil {
		t.Errorf("environment %q, %v", got, err)
	}
	c, err := current.Start(ctx, struct{}{}, mp.Name("me"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Wait(ctx)
	if err != nil || got.Name != "me" || got.PID != c.PID() || got.Parent != os.Getpid() || got.Depth != 1 || got.Worker != -1 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := square.Start(ctx, 1, mp.Dir("/does/not/exist")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory that does not exist: %v", err)
	}
}

// T025: the marker of a worker is nowhere that its code can see or hand on.
func TestWorkerDoesNotSeeItsMarker(t *testing.T) {
	p, err := getenv.Start(ctx, "GO_MP_WORKER")
	if err != nil {
		t.Fatal(err)
	}
	if v, err := p.Wait(ctx); v != "" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
}

// T009, T010, T011, T017: interrupt, terminate, kill.
func TestEndingAProcess(t *testing.T) {
	noLeaks(t)
	started := func(f *mp.Function[int, int], opts ...mp.StartOption) *mp.Process[int] {
		p, err := f.Start(ctx, 0, opts...)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := started(wait)
	if err := p.Interrupt(); err != nil {
		t.Error(err)
	}
	if _, err := p.Wait(ctx); !errors.Is(err, context.Canceled) || p.ExitCode() != 1 {
		t.Errorf("interrupted: %v, exit code %d", err, p.ExitCode())
	}
	p = started(deaf, mp.Grace(time.Millisecond))
	if err := p.Terminate(); err != nil {
		t.Error(err)
	}
	var we *mp.WorkerError
	if _, err := p.Wait(ctx); !errors.As(err, &we) || we.Signal != syscall.SIGKILL || p.ExitCode() != -9 {
		t.Errorf("terminated: %v, exit code %d", err, p.ExitCode())
	}
	p = started(wait)
	if _, err := p.Wait(expired()); !errors.Is(err, context.Canceled) || !p.Alive() || p.ExitCode() != -1 {
		t.Errorf("waiting in vain: %v, exit code %d", err, p.ExitCode())
	}
	if p.Close() != nil || p.ExitCode() != -9 {
		t.Errorf("closed: exit code %d", p.ExitCode())
	}
	bounded, cancel := context.WithCancel(ctx)
	p, err := wait.Start(bounded, 0)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := p.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("its context ended: %v", err)
	}
	if _, err := wait.Start(bounded, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("its context had ended: %v", err)
	}
}

// T010, T018: a hundred at once all end well; a hundred that are killed right after their start all say so.
func TestManyProcesses(t *testing.T) {
	noLeaks(t)
	const n = 100
	start := func() []*mp.Process[int] {
		ps := make([]*mp.Process[int], n)
		for i := range ps {
			p, err := square.Start(ctx, i)
			if err != nil {
				t.Fatal(err)
			}
			ps[i] = p
		}
		return ps
	}
	for i, p := range start() {
		if v, err := p.Wait(ctx); v != i*i || err != nil || p.ExitCode() != 0 {
			t.Errorf("process %d: %d, %v, exit code %d", i, v, err, p.ExitCode())
		}
	}
	for i := range n {
		p, err := wait.Start(ctx, i)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Kill(); err != nil {
			t.Error(err)
		}
		var we *mp.WorkerError
		if _, err := p.Wait(ctx); !errors.As(err, &we) || we.Signal != syscall.SIGKILL || p.ExitCode() != -9 {
			t.Errorf("killed process %d: %v, exit code %d", i, err, p.ExitCode())
		}
	}
}

// H12: the processes that a worker started die with it.
func TestKillTakesTheGroup(t *testing.T) {
	noLeaks(t)
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := shell.Start(ctx, "echo up > "+fifo+"; cat "+fifo) // its cat blocks until killed
	if err != nil {
		t.Fatal(err)
	}
	if up, err := os.ReadFile(fifo); err != nil || strings.TrimSpace(string(up)) != "up" {
		t.Fatal(string(up), err)
	}
	if err := p.Kill(); err != nil {
		t.Error(err)
	}
	<-p.Done()
	eventually(t, "nobody is left in the group", func() bool { return syscall.Kill(-p.PID(), 0) == syscall.ESRCH })
}
