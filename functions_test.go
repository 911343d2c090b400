package mp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp"
)

var errOwn = errors.New("own sentinel")

type ownError struct{ Code int }

func (e *ownError) Error() string { return fmt.Sprintf("own error %d", e.Code) }

func init() {
	mp.RegisterError("mp_test.errOwn", errOwn)
	mp.RegisterErrorType[*ownError]("mp_test.ownError")
}

var (
	square = mp.Func("square", func(_ context.Context, x int) (int, error) { return x * x, nil })

	echo = mp.Func("echo", func(_ context.Context, b []byte) ([]byte, error) { return b, nil })

	length = mp.Func("length", func(_ context.Context, s string) (int, error) { return len(s), nil })

	getenv = mp.Func("getenv", func(_ context.Context, name string) (string, error) { return os.Getenv(name), nil })

	getwd = mp.Func("getwd", func(context.Context, struct{}) (string, error) { return os.Getwd() })

	current = mp.Func("current", func(context.Context, struct{}) (mp.ProcessInfo, error) { return mp.Current(), nil })

	// wait runs until its context ends, and returns why.
	wait = mp.Func("wait", func(ctx context.Context, _ int) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	})

	// deaf heeds no context.
	deaf = mp.Func("deaf", func(context.Context, int) (int, error) { select {} })

	// work takes so many microseconds.
	work = mp.Func("work", func(_ context.Context, us int) (int, error) {
		for end := time.Now().Add(time.Duration(us) * time.Microsecond); time.Now().Before(end); {
		}
		return us, nil
	})

	// open is wait for one file: it blocks until someone opens the other end of a pipe with this name.
	read = mp.Func("read", func(_ context.Context, name string) (string, error) {
		b, err := os.ReadFile(name)
		return string(b), err
	})

	fail = mp.Func("fail", func(_ context.Context, how string) (int, error) {
		switch how {
		case "plain":
			return 0, errors.New("plain failure")
		case "eof":
			return 0, fmt.Errorf("reading: %w", io.EOF)
		case "path":
			_, err := os.Open("/does/not/exist")
			return 0, err
		case "own":
			return 0, errors.Join(errOwn, &ownError{7})
		case "canceled":
			return 0, context.Canceled
		case "panic":
			panic("a panic")
		case "panic error":
			panic(fmt.Errorf("wrapped: %w", io.ErrUnexpectedEOF))
		case "goexit":
			runtime.Goexit()
		case "nil map":
			var m map[int]int
			m[1] = 1
		}
		return 1, nil
	})

	// odd fails for odd numbers.
	odd = mp.Func("odd", func(_ context.Context, x int) (int, error) {
		if x%2 == 1 {
			return 0, fmt.Errorf("%d is odd", x)
		}
		return x, nil
	})

	upper = mp.Func("upper", func(_ context.Context, s string) (string, error) { return strings.ToUpper(s), nil })

	add3 = mp.Func3("add3", func(_ context.Context, a, b, c int) (int, error) { return a + b + c, nil })

	say = mp.Func("say", func(_ context.Context, s string) (int, error) {
		fmt.Println(s)
		fmt.Fprintln(os.Stderr, "err:", s)
		return len(s), nil
	})

	setup = mp.Func("setup", func(_ context.Context, n int) (int, error) {
		if n < 0 {
			return 0, fmt.Errorf("setup refuses %d: %w", n, errOwn)
		}
		state.Store(int64(n))
		return n, nil
	})

	// state is what setup has set in this process.
	getState = mp.Func("getState", func(context.Context, struct{}) (int64, error) { return state.Load(), nil })

	teardown = mp.Func("teardown", func(_ context.Context, file string) (int, error) {
		f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		_, err = fmt.Fprintln(f, os.Getpid())
		return 0, err
	})
)

var state atomic.Int64

var shell = mp.Func("shell", func(ctx context.Context, script string) (string, error) {
	out, err := exec.CommandContext(ctx, "sh", "-c", script).CombinedOutput()
	return string(out), err
})
