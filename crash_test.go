//go:build linux

package mp_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
)

// crash ends its process in many ways.
var crash = mp.Func("crash", func(_ context.Context, how string) (int, error) {
	switch how {
	case "exit 0":
		os.Exit(0)
	case "exit 3":
		os.Exit(3)
	case "stack overflow":
		return recurse(0), nil
	case "concurrent map writes":
		m := map[int]int{}
		for range 4 {
			go func() {
				for i := 0; ; i++ {
					m[i%10] = i
				}
			}()
		}
		select {}
	case "segv":
		scribble()
	case "goroutine panic":
		go panic("in another goroutine")
		select {}
	case "abort":
		_ = syscall.Kill(os.Getpid(), syscall.SIGABRT)
		select {}
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "close control":
		_ = syscall.Close(3)
		select {}
	case "memory":
		var hold [][]byte
		for {
			b := make([]byte, 1<<20)
			for i := range b {
				b[i] = byte(i)
			}
			hold = append(hold, b)
		}
	case "stderr":
		_, _ = os.Stderr.WriteString("first line\nlast words\n")
		os.Exit(4)
	}
	return 1, nil
})

func recurse(n int) int { return recurse(n+1) + 1 }

// scribble writes where nothing is mapped any more, as broken C code would. (A nil pointer is only a panic.)
func scribble() {
	b, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	if err := syscall.Munmap(b); err != nil {
		panic(err)
	}
	b[0] = 1
}

// T273, W03, W15, W33: each way to die has its own clear outcome, costs its own element only, and the pool goes on.
func TestCrashes(t *testing.T) {
	for _, c := range []struct {
		how    string
		code   int
		signal os.Signal
		oom    bool
		crash  string
		stderr string
		itself bool // or it ends by itself, with code 1
	}{
		{how: "exit 0", code: 0},
		{how: "exit 3", code: 3},
		{how: "stack overflow", code: 2, crash: "stack overflow"},
		{how: "concurrent map writes", code: 2, crash: "concurrent map writes"},
		{how: "segv", code: 2, crash: "SIGSEGV"},
		{how: "goroutine panic", code: 2, crash: "panic: in another goroutine"},
		{how: "abort", code: 2, crash: "SIGABRT"},
		{how: "kill", code: -9, signal: syscall.SIGKILL},
		{how: "close control", code: -9, signal: syscall.SIGKILL, itself: true},
		{how: "memory", code: -9, signal: syscall.SIGKILL, oom: true},
		{how: "stderr", code: 4, stderr: "last words"},
	} {
		t.Run(c.how, func(t *testing.T) {
			noLeaks(t)
			// MaxProcs: the runtime sees concurrent map writes only where two goroutines really run at a time.
			config := mp.PoolConfig{Workers: 2, MaxProcs: 2, Stderr: io.Discard}
			if c.oom {
				config.MemoryLimit = 300 << 20
			}
			pool := newPool(t, config)
			check := func(what string, err error) {
				t.Helper()
				var we *mp.WorkerError
				if !errors.As(err, &we) {
					t.Fatalf("%s: %v", what, err)
				}
				if c.itself && we.ExitCode == 1 && we.Signal == nil {
					return // it saw its socket closed before the parent did
				}
				if we.ExitCode != c.code || we.Signal != c.signal || we.OOM != c.oom || we.PID == 0 || we.Function != "crash" {
					t.Errorf("%s: %+v", what, we)
				}
				if !strings.Contains(we.Crash, c.crash) || (c.crash == "") != (we.Crash == "") || !strings.Contains(we.Stderr, c.stderr) {
					t.Errorf("%s: crash report %q, stderr %q", what, we.Crash, we.Stderr)
				}
			}
			_, err := crash.Call(ctx, pool, c.how)
			check("call", err)
			good := 0
			for i, r := range crash.Results(ctx, pool, func(yield func(string) bool) {
				for i := range 20 {
					if how := map[bool]string{true: c.how}[i == 7]; !yield(how) {
						return
					}
				}
			}) {
				switch {
				case i == 7:
					check("element 7", r.Err)
				case r.Err != nil:
					t.Errorf("element %d: %v", i, r.Err)
				default:
					good++
				}
			}
			if good != 19 {
				t.Errorf("%d of 19 innocent elements succeeded", good)
			}
		})
	}
}

// Retries runs an element again whose worker died, and counts.
func TestRetries(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 1})
	_, err := crash.Call(ctx, pool, "exit 3", mp.Retries(2))
	var we *mp.WorkerError
	if !errors.As(err, &we) || we.Attempts != 3 {
		t.Errorf("%v", err)
	}
	if s := pool.Stats(); s.Retried != 2 || s.Failed != 1 || s.Restarts != 3 {
		t.Errorf("%+v", s)
	}
}

// T207, W28: what workers print arrives in whole lines, with their name, all of it.
func TestOutput(t *testing.T) {
	noLeaks(t)
	var out, errs proctest.Buffer
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2, Stdout: &out, Stderr: &errs})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 10_000)
	if _, err := say.Map(ctx, pool, []string{"one", "two", long}); err != nil {
		t.Error(err)
	}
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(out.String()), "\n") {
		prefix, text, _ := strings.Cut(line, "] ")
		if !strings.HasPrefix(prefix, "[worker-") || (text != "one" && text != "two" && text != long) {
			t.Errorf("line %.80q", line)
		}
	}
	if n := strings.Count(out.String(), "\n"); n != 3 || strings.Count(errs.String(), "err: ") != 3 {
		t.Errorf("%d lines on stdout, and on stderr %q", n, errs.String())
	}
}
