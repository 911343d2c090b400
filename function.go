package mp

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/codec"
	"github.com/go-multiproc/mp/internal/link"
)

// A Function is a function that other processes can run. Make it with Func, at package level. It is immutable and safe
// for concurrent use.
type Function[In, Out any] struct {
	*function
	in   codec.Codec[In]
	out  codec.Codec[Out]
	fn   func(context.Context, In) (Out, error)
	show func(arg []byte) string // f.text; nil if an argument may hold what is in one process at a time
}

// Func registers fn under a name, which must be its own in the whole program:
//
//	var square = mp.Func("square", func(ctx context.Context, x int) (int, error) { return x * x, nil })
//
// Every process of the program must register the same functions, so do it at package level, or in an init. A function whose
// body uses its own variable is assigned in an init, else Go reports an initialization cycle.
//
// In and Out can be everything but channels, functions, unsafe pointers and structs with unexported fields that have no
// MarshalBinary or MarshalText; see RegisterType for interfaces. A marshaller runs on the pool's
// goroutines: it must not call into the pool. Func panics if a type cannot cross, naming the field, or if the name is empty or taken.
//
// fn runs in the worker, one element at a time. Its context ends when the call is cancelled or over its Timeout, and when
// fn returns. A panic of fn is a *PanicError at the caller, and the worker lives on.
func Func[In, Out any](name string, fn func(context.Context, In) (Out, error)) *Function[In, Out] {
	return newFunction(name, fn, caller())
}

func newFunction[In, Out any](name string, fn func(context.Context, In) (Out, error), site string) *Function[In, Out] {
	f := makeFunction(name, fn, site)
	register(f.function)
	return f
}

// makeFunction is newFunction without the registration.
func makeFunction[In, Out any](name string, fn func(context.Context, In) (Out, error), site string) *Function[In, Out] {
	switch {
	case name == "":
		panic(fmt.Sprintf("mp: %s: a function must have a name", site))
	case fn == nil:
		panic(fmt.Sprintf("mp: %s: function %q is nil", site, name))
	}
	in, err := codec.For[In]()
	if err != nil {
		panic(fmt.Sprintf("mp: %s: the argument of function %q: %v", site, name, err))
	}
	out, err := codec.For[Out]()
	if err != nil {
		panic(fmt.Sprintf("mp: %s: the result of function %q: %v", site, name, err))
	}
	f := &Function[In, Out]{
		function: &function{name: name, site: site, argSize: -1, signature: in.Plan().Signature() + " -> " + out.Plan().Signature()},
		in:       in, out: out, fn: fn,
	}
	if size, ok := in.Plan().FixedSize(); ok {
		f.argSize = size
	}
	if in.Plan().Plain() {
		f.show = f.text
	}
	f.runner = func() link.Runner { return &frame[In, Out]{f: f} }
	return f
}

// Name is the name under which the function is registered.
func (f *Function[In, Out]) Name() string { return f.name }

// frame runs a function in the worker, and is where one run has its argument and its result: two allocations for each are half the
// price of an element that does nothing.
type frame[In, Out any] struct {
	f   *Function[In, Out]
	in  In
	out Out
}

// Run implements link.Runner.
func (r *frame[In, Out]) Run(ctx context.Context, arg, dst []byte) (status uint8, out []byte) {
	f, at := r.f, len(dst)
	defer func() {
		if v := recover(); v != nil {
			status, out = abi.StatusPanic, appendPanic(dst[:at], v, string(debug.Stack()))
			r.clear()
		}
	}()
	if rest, err := f.in.Decode(arg, &r.in); err != nil || len(rest) > 0 {
		if err == nil {
			err = fmt.Errorf("%d bytes too many", len(rest))
		}
		r.clear()
		return abi.StatusDecode, appendError(dst, fmt.Errorf("mp: function %q: decoding the argument: %w", f.name, err))
	}
	var err error
	if r.out, err = f.fn(ctx, r.in); err != nil {
		r.clear()
		return abi.StatusError, appendError(dst, err)
	}
	out, err = f.out.Append(dst, &r.out)
	r.clear()
	if err != nil {
		return abi.StatusEncode, appendError(dst[:at], fmt.Errorf("mp: function %q: encoding the result: %w", f.name, err))
	}
	return abi.StatusOK, out
}

// clear forgets the values: a worker that idles keeps nothing of what it ran.
func (r *frame[In, Out]) clear() {
	var in In
	var out Out
	r.in, r.out = in, out
}

// A Task is a call to be made later, by someone else. The zero Task is none.
type Task struct {
	fn  *function
	arg []byte
	err error
}

// With is a call of f with this argument, to be made later, as PoolConfig.Init. The argument is encoded now.
func (f *Function[In, Out]) With(in In) Task {
	arg, err := f.encode(in)
	return Task{fn: f.function, arg: arg, err: err}
}

// encode encodes an argument, never to nil; a panic of its marshaller is an error as well.
func (f *Function[In, Out]) encode(in In) ([]byte, error) { return f.appendArg([]byte{}, &in) }

func (f *Function[In, Out]) appendArg(dst []byte, in *In) (out []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = dst, fmt.Errorf("mp: function %q: encoding the argument: panic: %v", f.name, v)
		}
	}()
	out, err = f.in.Append(dst, in)
	if err != nil {
		return dst, fmt.Errorf("mp: function %q: encoding the argument: %w", f.name, err)
	}
	return out, nil
}
