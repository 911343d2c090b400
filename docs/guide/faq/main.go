//go:build linux

// Command faq does what its argument says, and prints the error that comes of it: the texts that the page faq.md shows.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

var errOwn = errors.New("out of stock")

var (
	echo   = mp.Func("echo", func(_ context.Context, x int) (int, error) { return x, nil })
	show   = mp.Func("show", func(_ context.Context, x any) (string, error) { return fmt.Sprint(x), nil })
	fail   = mp.Func("fail", func(context.Context, int) (int, error) { return 0, fmt.Errorf("order 7: %w", errOwn) })
	killed = mp.Func("killed", func(context.Context, int) (int, error) { return 0, syscall.Kill(os.Getpid(), syscall.SIGKILL) })
	grow   = mp.Func("grow", func(context.Context, int) (int, error) {
		var hoard [][]byte
		for len(hoard) < 1<<20 {
			hoard = append(hoard, bytes.Repeat([]byte{1}, 1<<20))
		}
		return len(hoard), nil
	})
	recurse = mp.Func("recurse", func(_ context.Context, n int) (int, error) { return deep(n), nil })
	hold    = mp.Func("hold", func(ctx context.Context, lock *shared.Mutex) (int, error) {
		if err := lock.Lock(ctx); err != nil {
			return 0, err
		}
		os.Exit(1)
		return 0, nil
	})
	forget = mp.Func("forget", func(ctx context.Context, lock *shared.Mutex) (int, error) { return 0, lock.Lock(ctx) })
)

// deep does not end: n never is what it looks for.
func deep(n int) int {
	if n < 0 {
		return n
	}
	return deep(n+1) + 1
}

type order struct{ Number int }

// symptoms are what the page is about, by the argument.
var symptoms = map[string]func(context.Context) error{
	"no-main": func(context.Context) error {
		_, err := mp.NewPool(mp.PoolConfig{Workers: 1})
		return err
	},
	"late": func(context.Context) error {
		mp.Func("late", func(context.Context, int) (int, error) { return 0, nil })
		_, err := mp.NewPool(mp.PoolConfig{Workers: 1})
		return err
	},
	"twice": func(context.Context) error {
		return caught(func() { mp.Func("echo", func(context.Context, int) (int, error) { return 0, nil }) })
	},
	"chan": func(context.Context) error {
		type job struct{ Reply chan int }
		return caught(func() { mp.Func("send", func(context.Context, job) (int, error) { return 0, nil }) })
	},
	"unexported": func(context.Context) error {
		type job struct{ number int } //nolint:unused // it is there to be refused
		return caught(func() { mp.Func("send", func(context.Context, job) (int, error) { return 0, nil }) })
	},
	"interface": func(ctx context.Context) error { return called(ctx, show, any(order{7})) },
	"sentinel": func(ctx context.Context) error {
		err := called(ctx, fail, 0)
		fmt.Println("errors.Is:", errors.Is(err, errOwn))
		return err
	},
	"init": func(context.Context) error {
		_, err := mp.NewPool(mp.PoolConfig{Workers: 1, Init: fail.With(0)})
		return err
	},
	"killed":  func(ctx context.Context) error { return called(ctx, killed, 0) },
	"oom":     func(ctx context.Context) error { return called(ctx, grow, 0) },
	"recurse": func(ctx context.Context) error { return called(ctx, recurse, 0) },
	"owner-died": func(ctx context.Context) error {
		lock, err := shared.NewMutex()
		if err != nil {
			return err
		}
		_ = called(ctx, hold, lock)
		return lock.Lock(ctx)
	},
	"kept": func(ctx context.Context) error {
		lock, err := shared.NewMutex()
		if err != nil {
			return err
		}
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
		if err != nil {
			return err
		}
		defer func() { _ = pool.Kill() }()
		if _, err := forget.Call(ctx, pool, lock); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		fmt.Println(lock)
		return lock.Lock(ctx)
	},
	"detached": func(context.Context) error {
		lock, err := shared.NewMutex()
		if err != nil {
			return err
		}
		handle, err := lock.MarshalBinary()
		if err != nil {
			return err
		}
		stranger := exec.Command("/proc/self/exe", "stranger", fmt.Sprintf("%x", handle))
		stranger.Stdout = os.Stdout
		return stranger.Run()
	},
	"stranger": func(ctx context.Context) error {
		var handle []byte
		if _, err := fmt.Sscanf(os.Args[2], "%x", &handle); err != nil {
			return err
		}
		var lock shared.Mutex
		if err := lock.UnmarshalBinary(handle); err != nil {
			return err
		}
		return lock.Lock(ctx)
	},
	"closed": func(ctx context.Context) error {
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
		if err != nil {
			return err
		}
		pool.Close()
		_, err = echo.Call(ctx, pool, 1)
		return err
	},
	"files": func(context.Context) error {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 32, Max: 32}); err != nil {
			return err
		}
		_, err := mp.NewPool(mp.PoolConfig{Workers: 8})
		return err
	},
}

// called is what comes of a call in a pool of one worker.
func called[In, Out any](ctx context.Context, f *mp.Function[In, Out], in In) error {
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1, MemoryLimit: 128 << 20, Stderr: io.Discard})
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = f.Call(ctx, pool, in)
	return err
}

func caught(f func()) (err error) {
	defer func() { err = fmt.Errorf("panic: %v", recover()) }()
	f()
	return nil
}

func main() {
	if len(os.Args) < 2 || os.Args[1] != "no-main" {
		mp.Main()
	}
	if len(os.Args) < 2 || symptoms[os.Args[1]] == nil {
		fmt.Println("which symptom?")
		os.Exit(2)
	}
	if err := symptoms[os.Args[1]](context.Background()); err != nil {
		fmt.Println(err)
	}
}
