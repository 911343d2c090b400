package mp_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-multiproc/mp"
)

// waysOf are those in which all elements of an input are run. Each returns how many outcomes there were, and the first error.
var waysOf = map[string]func(context.Context, mp.Executor, *mp.Function[int, int], iter.Seq[int], ...mp.MapOption) (int, error){
	"Map": func(ctx context.Context, x mp.Executor, f *mp.Function[int, int], in iter.Seq[int], opts ...mp.MapOption) (int, error) {
		out, err := f.Map(ctx, x, slices.Collect(in), opts...)
		return len(out), err
	},
	"Results": func(ctx context.Context, x mp.Executor, f *mp.Function[int, int], in iter.Seq[int], opts ...mp.MapOption) (n int, err error) {
		for _, r := range f.Results(ctx, x, in, opts...) {
			if r.Err == nil {
				n++
			} else if err == nil {
				err = r.Err
			}
		}
		return n, err
	},
	"Stream": func(ctx context.Context, x mp.Executor, f *mp.Function[int, int], in iter.Seq[int], opts ...mp.MapOption) (n int, err error) {
		for _, e := range f.Stream(ctx, x, in, opts...) {
			if e == nil {
				n++
			} else if err == nil {
				err = e
			}
		}
		return n, err
	},
}

var power = mp.Func2("power", func(_ context.Context, base, exponent int) (int, error) {
	n := 1
	for range exponent {
		n *= base
	}
	return n, nil
})

// T097, T249, T250, T251, T259: several inputs are one of packed arguments, as long as the shortest is, lazy or not.
func TestMapOfSeveralInputs(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		if v, err := power.Call(ctx, x, mp.Pack2(2, 8)); v != 256 || err != nil {
			t.Error(v, err)
		}
		bases, exponents := []int{2, 3, 4, 5}, []int{3, 2, 1, 0, 7}
		var in []mp.Args2[int, int]
		for i := range min(len(bases), len(exponents)) {
			in = append(in, mp.Pack2(bases[i], exponents[i]))
		}
		want := []int{8, 9, 4, 1}
		for _, opts := range [][]mp.MapOption{nil, {mp.ChunkSize(3)}, {mp.Window(1)}} {
			if out, err := power.Map(ctx, x, in, opts...); err != nil || !slices.Equal(out, want) {
				t.Errorf("%v, %v", out, err)
			}
			var out []int
			for v, err := range power.Stream(ctx, x, slices.Values(in), opts...) {
				if err != nil {
					t.Error(err)
				}
				out = append(out, v)
			}
			if !slices.Equal(out, want) {
				t.Error(out)
			}
		}
	})
}

// T101, T111, T261: of nothing comes nothing, at once, whatever the options.
func TestMapOfNothing(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		for name, run := range waysOf {
			for _, opts := range [][]mp.MapOption{nil, {mp.ChunkSize(50)}, {mp.Window(1)}} {
				if n, err := run(ctx, x, square, upTo(0), opts...); n != 0 || err != nil {
					t.Errorf("%s: %d outcomes, %v", name, n, err)
				}
			}
		}
	})
}

// T257, T310, W26: sizes below 1 are refused, and nothing is run.
func TestMapOptionsAreChecked(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		for name, run := range waysOf {
			for _, n := range []int{0, -1} {
				for _, o := range []mp.MapOption{mp.ChunkSize(n), mp.Window(n)} {
					n, err := run(ctx, x, square, upTo(3), o)
					if n != 0 || err == nil || !strings.Contains(err.Error(), "must be at least 1") {
						t.Errorf("%s with %T(%v): %d outcomes, %v", name, o, o, n, err)
					}
				}
			}
		}
	})
}

// T095, T105, T107, T258, T310: neither chunks nor windows of any size change what comes out.
func TestMapSizesChangeNothing(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		for _, n := range []int{1, 10, 1000} {
			for _, size := range []int{1, 2, 3, 100, 5000} {
				for _, o := range []mp.MapOption{mp.ChunkSize(size), mp.Window(size)} {
					for name, run := range waysOf {
						if got, err := run(ctx, x, square, upTo(n), o); got != n || err != nil {
							t.Errorf("%s of %d with %T(%v): %d outcomes, %v", name, n, o, o, got, err)
						}
					}
				}
			}
		}
	})
}

// T262, H07: while no outcome is looked at, no more inputs are taken than twice the window: those that are collected and those on their way.
func TestWindowWhileNobodyLooks(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		for _, window := range []int{1, 2, 10} {
			var taken atomic.Int64
			endless := func(yield func(int) bool) {
				for yield(1) {
					taken.Add(1)
				}
			}
			for range square.Stream(ctx, x, endless, mp.Window(window)) {
				eventually(t, "the next window is full", func() bool { return taken.Load() >= int64(window) })
				for range 1000 {
					runtime.Gosched()
				}
				if n := taken.Load(); n > int64(2*window) {
					t.Errorf("%d inputs were taken with a window of %d", n, window)
				}
				break
			}
		}
	})
}

// T102, T106, H06: an input that fails, at its first element or later, fails with its own panic, after an outcome for each element before it,
// whatever the chunks; twice in a row, and the executor is as before.
func TestInputThatFails(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		for _, at := range []int{0, 1, 7, 19} {
			in := func(yield func(int) bool) {
				for i := range at {
					if !yield(i) {
						return
					}
				}
				panic("input")
			}
			for _, opts := range [][]mp.MapOption{nil, {mp.ChunkSize(2)}, {mp.ChunkSize(4)}, {mp.Window(1)}} {
				for range 2 {
					var results, stream int
					p := panicOf(func() {
						for range square.Results(ctx, x, in, opts...) {
							results++
						}
					})
					q := panicOf(func() {
						for range square.Stream(ctx, x, in, opts...) {
							stream++
						}
					})
					if p != "input" || q != "input" || results != at || stream != at {
						t.Errorf("failing at %d: %v after %d results, %v after %d of a stream", at, p, results, q, stream)
					}
				}
			}
		}
		if v, err := square.Call(ctx, x, 3); v != 9 || err != nil {
			t.Errorf("afterwards: %d, %v", v, err)
		}
	})
}

// panicOf is what fn panics with.
func panicOf(fn func()) (p any) {
	defer func() { p = recover() }()
	fn()
	return nil
}

// bigFailure fails with an error of a megabyte.
var bigFailure = mp.Func("bigFailure", func(_ context.Context, i int) (int, error) {
	return 0, errors.New(fmt.Sprint(i) + strings.Repeat("x", 1<<20))
})

// T115, H08: errors of a megabyte arrive whole, and those that nobody reads any more hold nobody up.
func TestLargeErrors(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		var ee *mp.ElementError
		_, err := bigFailure.Map(ctx, x, []int{0, 1, 2, 3})
		if !errors.As(err, &ee) || ee.Err.Error() != fmt.Sprint(ee.Index)+strings.Repeat("x", 1<<20) {
			t.Errorf("%d bytes", len(err.Error()))
		}
		for range bigFailure.Results(ctx, x, upTo(10)) {
			break
		}
		n := 0
		for i, r := range bigFailure.Results(ctx, x, upTo(10)) {
			if !errors.As(r.Err, &ee) || len(ee.Err.Error()) != 1<<20+len(fmt.Sprint(i)) {
				t.Errorf("element %d: %d bytes", i, len(r.Err.Error()))
			}
			n++
		}
		if n != 10 {
			t.Errorf("%d outcomes", n)
		}
	})
}

// emptyError fails with an error without a text.
var emptyError = mp.Func("emptyError", func(context.Context, int) (int, error) { return 1, errors.New("") })

// T263: an error is one, whatever is in it.
func TestEmptyError(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		if v, err := emptyError.Call(ctx, x, 1); err == nil || err.Error() != "" || v != 0 {
			t.Errorf("%d, %v", v, err)
		}
		for name, run := range waysOf {
			if n, err := run(ctx, x, emptyError, upTo(3)); n != 0 || err == nil {
				t.Errorf("%s: %d outcomes, %v", name, n, err)
			}
		}
	})
}

// firstTwo answers for the first two elements, and runs for the others until its context ends.
var firstTwo = mp.Func("firstTwo", func(ctx context.Context, i int) (int, error) {
	if i < 2 {
		return i, nil
	}
	<-ctx.Done()
	return 0, ctx.Err()
})

// T253: what had ended when the time was over is there, in its order, then that error.
func TestStreamWhoseTimeIsOver(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		c, cancel := context.WithCancel(ctx)
		defer cancel()
		n := 0
		for v, err := range firstTwo.Stream(c, x, upTo(3)) {
			if n < 2 && (v != n || err != nil) || n == 2 && !errors.Is(err, context.Canceled) {
				t.Errorf("element %d: %d, %v", n, v, err)
			}
			if n++; n == 2 {
				cancel()
			}
		}
		if n != 2 && n != 3 { // the third may not have been pulled yet
			t.Errorf("%d outcomes", n)
		}
	})
}

// T113, T311: a panic tells where it was, down to the line; what the input panics with is the caller's, and untouched.
func TestPanicTellsWhere(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		var pe *mp.PanicError
		if _, err := fail.Call(ctx, x, "panic error"); !errors.As(err, &pe) || !strings.Contains(pe.Stack, "functions_test.go:") {
			t.Errorf("%v: %+v", err, pe)
		}
		own := errors.New("the caller's")
		p := panicOf(func() {
			for range square.Stream(ctx, x, func(func(int) bool) { panic(own) }) {
			}
		})
		if err, ok := p.(error); !ok || !errors.Is(err, own) {
			t.Errorf("%v", p)
		}
	})
}
