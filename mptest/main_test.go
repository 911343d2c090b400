//go:build linux

package mptest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
)

func TestMain(m *testing.M) {
	// Under the race detector a process waits a second before it exits. Workers need not: the parent has all they say.
	if !mp.IsWorker() {
		_ = os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	}
	Main(m)
}

var ctx = context.Background()

var (
	double = mp.Func("double", func(_ context.Context, x int) (int, error) { return 2 * x, nil })

	// outer calls double with a pool of its own.
	outer = mp.Func("outer", func(ctx context.Context, n int) (int, error) {
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
		if err != nil {
			return 0, err
		}
		defer pool.Close()
		sum := 0
		for i := range n {
			v, err := double.Call(ctx, pool, i)
			if err != nil {
				return 0, err
			}
			sum += v
		}
		return sum, nil
	})

	// patient waits until its context ends, and says why it did.
	patient = mp.Func("patient", func(ctx context.Context, _ int) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	})

	prepared = false

	prepare = mp.Func("prepare", func(context.Context, int) (int, error) {
		prepared = true
		return 0, nil
	})

	isPrepared = mp.Func("isPrepared", func(context.Context, int) (bool, error) { return prepared, nil })
)

// recorder is a testing.TB that notes what becomes of it.
type recorder struct {
	testing.TB // nil: what is missing here panics
	cleanups   []func()
	failures   []string
}

// Play runs a test that is an example, and prints how it failed.
func Play(test func(t testing.TB)) {
	r := new(recorder)
	if failures := r.during(func() { test(r) }); failures != "" {
		fmt.Println("FAIL:", failures)
	}
}

func (r *recorder) Helper()           {}
func (r *recorder) Cleanup(f func())  { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Failed() bool      { return len(r.failures) > 0 }
func (r *recorder) Error(args ...any) { r.failures = append(r.failures, fmt.Sprint(args...)) }

func (r *recorder) TempDir() string {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// during runs a test of which r notes what becomes, with its cleanups, and returns the failures.
func (r *recorder) during(test func()) string {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for _, f := range slices.Backward(r.cleanups) {
				f()
			}
		}()
		test()
	}()
	<-done
	return strings.Join(r.failures, "\n")
}

// outcomes runs double for 0 to n-1, and returns the errors by index; it checks the results of the others.
func outcomes(t *testing.T, x mp.Executor, n int, opts ...mp.MapOption) map[int]error {
	t.Helper()
	errs := make(map[int]error)
	seen := 0
	for i, r := range double.Results(ctx, x, slices.Values(numbers(n)), opts...) {
		seen++
		if r.Err != nil {
			errs[i] = r.Err
		} else if r.Value != 2*i {
			t.Errorf("double(%d) = %d", i, r.Value)
		}
	}
	if seen != n {
		t.Errorf("%d outcomes of %d", seen, n)
	}
	return errs
}

func numbers(n int) []int {
	in := make([]int, n)
	for i := range in {
		in[i] = i
	}
	return in
}

// only returns the single failure, which must be that of element i, as an E.
func only[E error](t *testing.T, errs map[int]error, i int) E {
	t.Helper()
	var e E
	if len(errs) != 1 || !errors.As(errs[i], &e) {
		t.Fatalf("errors %v, want a %T of element %d only", errs, e, i)
	}
	return e
}
