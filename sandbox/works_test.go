//go:build linux

package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/profile"
	"github.com/go-multiproc/mp/shared"
)

// A lines is a writer that several may use.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var (
	double = mp.Func("double", func(_ context.Context, x int) (int, error) { return 2 * x, nil })

	speak = mp.Func("speak", func(ctx context.Context, what string) (int, error) {
		fmt.Println("out", what)
		fmt.Fprintln(os.Stderr, "err", what)
		mp.Logger(ctx).Info("log " + what)
		mp.ReportProgress(ctx, 0.5)
		<-ctx.Done() // the rest takes long
		return len(what), nil
	})

	sayBye = mp.Func("sayBye", func(context.Context, int) (int, error) { fmt.Println("bye"); return 0, nil })

	stick = mp.Func("stick", func(context.Context, int) (int, error) {
		stuckHere()
		return 0, nil
	})

	crash = mp.Func("crash", func(context.Context, int) (int, error) {
		go crashHere()
		select {}
	})

	// strain makes garbage, and threads that block in the kernel.
	strain = mp.Func("strain", func(_ context.Context, n int) (int, error) {
		var all sync.WaitGroup
		for range n {
			all.Go(func() {
				runtime.LockOSThread()
				ts := syscall.NsecToTimespec(int64(time.Millisecond))
				_ = syscall.Nanosleep(&ts, nil) // blocks a thread, whether to the end or not
				_ = make([]byte, 1<<20)
			})
		}
		all.Wait()
		runtime.GC()
		return n, nil
	})

	eat = mp.Func("eat", func(ctx context.Context, step int) (int, error) {
		var all [][]byte
		for ctx.Err() == nil {
			all = append(all, bytes.Repeat([]byte{1}, step))
		}
		return len(all), nil
	})

	spin = mp.Func("spin", func(ctx context.Context, _ int) (n int, _ error) {
		for ctx.Err() == nil {
			n++
		}
		return n, nil
	})
)

//go:noinline
func stuckHere() { select {} }

func crashHere() { panic("no one catches this") }

// What a pool offers works with workers that may do nothing else.
func TestWorks(t *testing.T) {
	var out, errs, logs lines
	var fraction float64
	pool := newPool(t, &Policy{}, mp.PoolConfig{
		Workers: 2, Stdout: &out, Stderr: &errs, Logger: slog.New(slog.NewTextHandler(&logs, nil)), Exit: sayBye.With(0),
	})
	xs := make([]int, 1000)
	for i := range xs {
		xs[i] = i
	}
	ys, err := double.Map(ctx, pool, xs)
	if err != nil || len(ys) != len(xs) || ys[999] != 1998 {
		t.Fatalf("%d results, %v", len(ys), err)
	}
	c, enough := context.WithCancel(ctx)
	_, err = speak.Map(c, pool, []string{"hello"}, mp.Grace(time.Minute), mp.Observe(func(e mp.Event) {
		if e.Kind == "fraction" {
			fraction = e.Fraction
			enough()
		}
	}))
	if fraction != 0.5 {
		t.Errorf("fraction %v, %v", fraction, err)
	}
	if got := call(t, strain, pool, 50); got != 50 {
		t.Errorf("strain: %d", got)
	}
	dump, err := pool.Stacks(ctx, 0)
	if err != nil || !strings.HasPrefix(dump, "goroutine ") {
		t.Errorf("stacks: %v, %.100s", err, dump)
	}
	for range 3 { // each worker is hurt at least once
		_, err = crash.Call(ctx, pool, 0)
		if we, ok := errors.AsType[*mp.WorkerError](err); !ok || !strings.Contains(we.Crash, "crashHere") {
			t.Errorf("a crash: %+v", err)
		}
	}
	// A worker that has not come up yet has no Exit to run.
	if err := errors.Join(pool.Ready(ctx), pool.Close()); err != nil {
		t.Error(err)
	}
	for what, text := range map[string]string{"out hello": out.String(), "bye": out.String(), "err hello": errs.String(), "log hello": logs.String()} {
		if !strings.Contains(text, what) {
			t.Errorf("no %q in %q", what, text)
		}
	}
}

// A worker that is stuck says where, and is killed.
func TestTimeout(t *testing.T) {
	pool := newPool(t, &Policy{}, mp.PoolConfig{Grace: 2 * time.Second}) // that long the worker may take to tell
	_, err := stick.Call(ctx, pool, 0, mp.Timeout(time.Second))
	if te, ok := errors.AsType[*mp.TimeoutError](err); !ok || !strings.Contains(te.Stack, "stuckHere") {
		t.Errorf("%+v", err)
	}
	call(t, double, pool, 1)
}

// The parent sees what a worker takes.
func TestMemoryLimit(t *testing.T) {
	pool := newPool(t, &Policy{}, mp.PoolConfig{MemoryLimit: 96 << 20})
	_, err := eat.Call(ctx, pool, 1<<20)
	if we, ok := errors.AsType[*mp.WorkerError](err); !ok || !we.OOM {
		t.Errorf("%+v", err)
	}
}

func TestProfile(t *testing.T) {
	pool := newPool(t, &Policy{}, mp.PoolConfig{})
	c, enough := context.WithCancel(ctx)
	f := spin.Go(c, pool, 0)
	var b bytes.Buffer
	err := profile.CPU(ctx, pool, &b, 50*time.Millisecond)
	enough()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.Wait(ctx) // cancelled
	if b.Len() == 0 {
		t.Error("an empty profile")
	}
}

// A basket is what a family shares.
type basket struct {
	Mutex *shared.Mutex
	Queue *shared.Queue[int]
	Array *shared.Array[int64]
}

var share = mp.Func("share", func(ctx context.Context, b basket) (int, error) {
	err := b.Mutex.Do(ctx, func() error {
		b.Array.Set(0, b.Array.At(0)+1)
		return nil
	})
	if err != nil {
		return 0, err
	}
	x, err := b.Queue.Get(ctx)
	if err != nil {
		return 0, err
	}
	more, err := shared.NewArray[int64](1 << 20)
	if err != nil {
		return 0, err
	}
	more.Set(1<<20-1, int64(x))
	return x, b.Queue.Put(ctx, x+1)
})

// Shared memory needs no rights.
func TestShared(t *testing.T) {
	m, err1 := shared.NewMutex()
	q, err2 := shared.NewQueue[int](shared.QueueConfig{})
	a, err3 := shared.NewArray[int64](1)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	if err := q.Put(ctx, 0); err != nil {
		t.Fatal(err)
	}
	const n = 100
	all := make([]basket, n)
	for i := range all {
		all[i] = basket{m, q, a}
	}
	if _, err := share.Map(ctx, newPool(t, &Policy{}, mp.PoolConfig{Workers: 3}), all); err != nil {
		t.Fatal(err)
	}
	if x, err := q.Get(ctx); x != n || a.At(0) != n || err != nil {
		t.Errorf("%d, %d, %v", x, a.At(0), err)
	}
}

var kept *os.File

var (
	keep = mp.Func("keep", func(_ context.Context, name string) (_ int, err error) { kept, err = os.Open(name); return 0, err })

	readKept = mp.Func("readKept", func(context.Context, int) (string, error) {
		b, err := io.ReadAll(io.NewSectionReader(kept, 0, 1<<20))
		return string(b), err
	})

	reopen = mp.Func("reopen", func(context.Context, int) (int, error) {
		if _, err := os.ReadFile(kept.Name()); err != nil {
			return 0, err
		}
		return os.Getpid(), nil
	})
)

// What Init opened stays open, in every worker, also in those that come later; what it did not cannot be opened.
func TestInitOpens(t *testing.T) {
	name := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(name, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	pool := newPool(t, &Policy{}, mp.PoolConfig{Workers: 2, Init: keep.With(name), MaxTasks: 3})
	for range 20 {
		if got := call(t, readKept, pool, 0); got != "data" {
			t.Fatalf("%q", got)
		}
		if pid, err := reopen.Call(ctx, pool, 0); !errors.Is(err, os.ErrPermission) {
			t.Fatalf("worker %d: %v", pid, err)
		}
	}
	if s := pool.Stats(); s.Restarts == 0 {
		t.Errorf("no worker was replaced: %+v", s)
	}
	outside := newPool(t, nil, mp.PoolConfig{Init: keep.With(name)})
	call(t, reopen, outside, 0)
}
