//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

type inBatch struct {
	Square, Batch, First int
	Lucky                uint64
}

// squares tells with each square how many there were at once.
var squares = mp.Chunked("squares", func(ctx context.Context, in []int) ([]inBatch, error) {
	first, _ := mp.ElementIndex(ctx)
	out := make([]inBatch, len(in))
	for i, x := range in {
		out[i] = inBatch{x * x, len(in), first, mp.Rand(ctx).Uint64()}
	}
	return out, nil
})

// sizes does the same for long arguments.
var sizes = mp.Chunked("sizes", func(_ context.Context, in []string) ([]inBatch, error) {
	out := make([]inBatch, len(in))
	for i, s := range in {
		out[i] = inBatch{Square: len(s), Batch: len(in)}
	}
	return out, nil
})

// allAtOnce ends in many ways, as its first element says.
var allAtOnce = mp.Chunked("allAtOnce", func(ctx context.Context, in []string) ([]string, error) {
	how, arg, _ := strings.Cut(in[0], " ")
	switch how {
	case "short":
		return in[1:], nil
	case "long":
		return append(in, ""), nil
	case "error":
		return in, errOwn
	case "panic":
		panic(errOwn)
	case "goexit":
		runtime.Goexit()
	case "exit":
		os.Exit(3)
	case "wait":
		<-ctx.Done()
		return nil, ctx.Err()
	case "deaf":
		select {}
	case "once":
		if os.WriteFile(filepath.Join(arg, fmt.Sprint(os.Getpid())), nil, 0o600) != nil {
			return nil, errOwn
		}
		if files, err := os.ReadDir(arg); err != nil || len(files) == 1 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	return in, nil
})

// It gets as many as ChunkSize says, however large they are and however slowly they come, and each has its own place.
func TestChunkedSizes(t *testing.T) {
	alone := func(t *testing.T, x mp.Executor) { // nobody to divide a batch for
		slowly := func(yield func(int) bool) {
			for i := range 20 {
				if runtime.Gosched(); !yield(i) {
					return
				}
			}
		}
		want := make([]int, 20)
		for i := range want {
			want[i] = 8
		}
		copy(want[16:], []int{4, 4, 4, 4})
		var got []inBatch
		for v, err := range squares.Stream(ctx, x, slowly, mp.ChunkSize(8)) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, v)
		}
		for i, v := range got {
			if v.Square != i*i || v.Batch != want[i] || v.First != i/8*8 {
				t.Errorf("element %d: %+v, want a batch of %d", i, v, want[i])
			}
		}
		n := 0
		for i, r := range squares.Results(ctx, x, slowly, mp.ChunkSize(8), mp.Window(5)) { // it cannot be more than the window
			if n++; r.Err != nil || r.Value.Square != i*i || r.Value.Batch != 5 {
				t.Errorf("element %d: %+v", i, r)
			}
		}
		if n != 20 || len(got) != 20 {
			t.Errorf("%d and %d results", len(got), n)
		}
		long := strings.Repeat("x", 500_000)
		for i, v := range mustMapWith(t, sizes, x, slices.Repeat([]string{long}, 20), mp.ChunkSize(8)) {
			if v.Square != len(long) || v.Batch != want[i] {
				t.Errorf("element %d: %+v, want a batch of %d", i, v, want[i])
			}
		}
	}
	t.Run("Pool", func(t *testing.T) {
		noLeaks(t)
		alone(t, newPool(t, mp.PoolConfig{Workers: 1}))
	})
	t.Run("InProcess", func(t *testing.T) { alone(t, mp.InProcess(1)) })
}

func mustMapWith[In, Out any](t *testing.T, f *mp.Function[In, Out], x mp.Executor, in []In, opts ...mp.MapOption) []Out {
	t.Helper()
	out, err := f.Map(ctx, x, in, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Without ChunkSize all come through as well, a call is of one, and what divides a batch leaves it in order.
func TestChunked(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		for _, opts := range [][]mp.MapOption{{}, {mp.ChunkSize(100)}, {mp.ChunkSize(1)}} {
			got := mustMapWith(t, squares, x, countTo(1000), opts...)
			for i, v := range got {
				if v.Square != i*i || i < v.First || i >= v.First+v.Batch {
					t.Errorf("%v: element %d: %+v", opts, i, v)
				}
			}
		}
		if v, err := squares.Call(ctx, x, 5, mp.Seed(1)); v.Square != 25 || v.Batch != 1 || v.First != -1 || err != nil {
			t.Errorf("a call: %+v, %v", v, err)
		}
		seeded := mustMapWith(t, squares, x, countTo(1), mp.Seed(1))
		if v, err := squares.Call(ctx, x, 5, mp.Seed(1)); v.Lucky != seeded[0].Lucky || err != nil {
			t.Errorf("%+v, %+v, %v", v, seeded, err)
		}
	})
}

// outcomes are the errors of a batch of three of which the first says how it ends.
func outcomes(x mp.Executor, how string, opts ...mp.MapOption) []error {
	errs := make([]error, 3)
	opts = append(opts, mp.ChunkSize(3))
	for i, r := range allAtOnce.Results(ctx, x, slices.Values([]string{how, "b", "c"}), opts...) {
		if errs[i] = r.Err; r.Err == nil && i > 0 && r.Value != []string{how, "b", "c"}[i] {
			errs[i] = fmt.Errorf("the result is %q", r.Value)
		}
	}
	return errs
}

// What goes wrong is the outcome of each.
func TestChunkedFails(t *testing.T) {
	panicked := func(err error) bool { return errors.As(err, new(*mp.PanicError)) }
	for how, is := range map[string]func(error) bool{
		"short":  func(err error) bool { return err != nil && strings.Contains(err.Error(), "2 results for 3 elements") },
		"long":   func(err error) bool { return err != nil && strings.Contains(err.Error(), "4 results for 3 elements") },
		"error":  func(err error) bool { return errors.Is(err, errOwn) && !panicked(err) },
		"panic":  func(err error) bool { return errors.Is(err, errOwn) && panicked(err) },
		"goexit": panicked,
		"fine":   func(err error) bool { return err == nil },
	} {
		t.Run(how, func(t *testing.T) {
			alone := func(t *testing.T, x mp.Executor) {
				for range 2 { // it goes on afterwards
					for i, err := range outcomes(x, how) {
						if !is(err) {
							t.Errorf("element %d: %v", i, err)
						}
					}
				}
			}
			t.Run("Pool", func(t *testing.T) {
				noLeaks(t)
				alone(t, newPool(t, mp.PoolConfig{Workers: 1}))
			})
			t.Run("InProcess", func(t *testing.T) { alone(t, mp.InProcess(1)) })
		})
	}
}

// They share the end of their worker, and their time.
func TestChunkedSharesItsFate(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 1, Grace: 20 * time.Millisecond})
	for i, err := range outcomes(pool, "exit") {
		var we *mp.WorkerError
		if !errors.As(err, &we) || we.ExitCode != 3 || we.Index != i {
			t.Errorf("element %d: %v", i, err)
		}
	}
	for i, err := range outcomes(pool, "once "+t.TempDir(), mp.Retries(1)) {
		if err != nil {
			t.Errorf("the second time, element %d: %v", i, err)
		}
	}
	for _, how := range []string{"wait", "deaf"} {
		for i, err := range outcomes(pool, how, mp.Timeout(20*time.Millisecond)) {
			var te *mp.TimeoutError
			if !errors.As(err, &te) || te.Index != i || te.Killed != (how == "deaf") {
				t.Errorf("%s, element %d: %v", how, i, err)
			}
		}
	}
	if v, err := squares.Call(ctx, pool, 3); v.Square != 9 || err != nil {
		t.Errorf("afterwards: %+v, %v", v, err)
	}
}

// Who leaves cancels them.
func TestChunkedCancelled(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		short, cancel := context.WithCancel(ctx)
		done := make(chan error)
		go func() {
			_, err := allAtOnce.Map(short, x, []string{"wait", "b", "c"}, mp.ChunkSize(3))
			done <- err
		}()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		mustMapWith(t, squares, x, countTo(100), mp.ChunkSize(7))
	})
}

// picky is not decoded when it is empty.
type picky struct{ s string }

func (p picky) MarshalBinary() ([]byte, error) { return []byte(p.s), nil }

func (p *picky) UnmarshalBinary(b []byte) error {
	switch p.s = string(b); p.s {
	case "":
		return errOwn
	case "panic":
		panic(errOwn)
	}
	return nil
}

var pickyOnes = mp.Chunked("pickyOnes", func(_ context.Context, in []picky) ([]picky, error) {
	return slices.Clone(in), nil
})

// One that cannot be decoded, or its result, is the only one that fails.
func TestChunkedDecodes(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		in := []picky{{"a"}, {""}, {"b"}, {"panic"}, {"c"}}
		for i, r := range pickyOnes.Results(ctx, x, slices.Values(in), mp.ChunkSize(5)) {
			if bad := i%2 == 1; bad != (r.Err != nil) || !bad && r.Value != in[i] {
				t.Errorf("element %d: %+v", i, r)
			}
		}
	})
}
