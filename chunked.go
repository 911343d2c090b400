package mp

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/go-multiproc/mp/internal/abi"
)

// Chunked registers a function that takes many elements at once, as a model does that infers, or a database that inserts:
//
//	var embed = mp.Chunked("embed", func(ctx context.Context, texts []string) ([][]float32, error) { ... })
//
// It is called as any other function, and each element has an outcome of its own: that of its place in the result. An error, a panic, and a
// result of another length are the outcome of each. What travels in one message is what fn gets: ChunkSize says how many those are, at most; without
// it that is measured, and is about a millisecond of work. Fewer are the last ones, those that are tried again, and those that were divided because another
// worker had nothing to do, which happens only before fn gets them. Results and Stream wait until so many inputs are there as
// ChunkSize says, or the input has ended. A Call is of one element.
//
// The elements that fn gets share their fate: Timeout is for all of them together, what ends the worker ends or retries all, and whoever
// cancels one, as by leaving the loop of Results, cancels all. The context tells of the first: see ElementIndex and Rand.
func Chunked[In, Out any](name string, fn func(context.Context, []In) ([]Out, error)) *Function[In, Out] {
	site := caller()
	if fn == nil {
		panic(fmt.Sprintf("mp: %s: function %q is nil", site, name))
	}
	return newChunked(name, site, func(ctx context.Context, in []In) ([]Out, int, error) {
		out, err := fn(ctx, in)
		if err == nil && len(out) != len(in) {
			err = fmt.Errorf("mp: function %q: %d results for %d elements", name, len(out), len(in))
		}
		return out, 0, err
	})
}

// newChunked registers a function of many elements. An error is that of the element in the place that comes with it, and of all
// behind it; those before it have results, and all have them if there is none.
func newChunked[In, Out any](name, site string, fn func(context.Context, []In) ([]Out, int, error)) *Function[In, Out] {
	f := makeFunction(name, func(ctx context.Context, in In) (Out, error) {
		out, _, err := fn(ctx, []In{in})
		if err != nil {
			var zero Out
			return zero, err
		}
		return out[0], nil
	}, site)
	f.chunk = func(ctx context.Context, args [][]byte) func(int, []byte) (uint8, []byte) {
		c := batchRun[In, Out]{f: f}
		c.run(ctx, args, fn)
		return c.outcome
	}
	register(f.function)
	return f
}

// chunkRun is link.Handler's RunChunk of one function.
type chunkRun func(ctx context.Context, args [][]byte) (outcome func(k int, dst []byte) (status uint8, out []byte))

// batchRun is one run of a function of many elements.
type batchRun[In, Out any] struct {
	f      *Function[In, Out]
	in     []In
	out    []Out
	place  []int          // of each element in in and out
	bad    map[int][]byte // encoded errors of those that could not be decoded; they are in neither
	status uint8          // of the elements from failed on, unless it is StatusOK
	failed int
	text   []byte // their encoded error
}

// run runs fn.
func (c *batchRun[In, Out]) run(ctx context.Context, args [][]byte, fn func(context.Context, []In) ([]Out, int, error)) {
	defer func() {
		if v := recover(); v != nil {
			c.status, c.failed, c.text = abi.StatusPanic, 0, appendPanic(nil, v, string(debug.Stack()))
		}
	}()
	c.status = abi.StatusOK
	c.in = make([]In, 0, len(args))
	c.place = make([]int, len(args))
	for k, arg := range args {
		c.place[k] = len(c.in)
		c.decode(k, arg)
	}
	if len(c.in) == 0 {
		return
	}
	var err error
	if c.out, c.failed, err = fn(ctx, c.in); err != nil {
		c.status, c.text = abi.StatusError, appendError(nil, err)
	}
}

// decode appends an argument to those of the run.
func (c *batchRun[In, Out]) decode(k int, arg []byte) {
	var in In
	rest, err := c.decodeInto(arg, &in)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes too many", len(rest))
	}
	if err != nil {
		if c.bad == nil {
			c.bad = make(map[int][]byte)
		}
		c.bad[k] = appendError(nil, fmt.Errorf("mp: function %q: decoding the argument: %w", c.f.name, err))
		return
	}
	c.in = append(c.in, in)
}

func (c *batchRun[In, Out]) decodeInto(arg []byte, in *In) (rest []byte, err error) {
	defer func() {
		if v := recover(); v != nil { // of an unmarshaller
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return c.f.in.Decode(arg, in)
}

// outcome appends what came of an element.
func (c *batchRun[In, Out]) outcome(k int, dst []byte) (status uint8, out []byte) {
	defer func() {
		if v := recover(); v != nil { // of a marshaller
			status, out = abi.StatusPanic, appendPanic(dst, v, string(debug.Stack()))
		}
	}()
	if bad := c.bad[k]; bad != nil {
		return abi.StatusDecode, append(dst, bad...)
	}
	at := c.place[k]
	if c.status != abi.StatusOK && at >= c.failed {
		return c.status, append(dst, c.text...)
	}
	out, err := c.f.out.Append(dst, &c.out[at])
	if err != nil {
		return abi.StatusEncode, appendError(dst, fmt.Errorf("mp: function %q: encoding the result: %w", c.f.name, err))
	}
	return abi.StatusOK, out
}
