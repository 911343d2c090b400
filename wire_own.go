package mp

import (
	"os"
	"syscall"
	"time"

	"github.com/go-multiproc/mp/internal/codec"
)

// registerOwn makes this package's error types known, for a function may use a pool of its own.
func registerOwn() {
	own("mp.WorkerError", func(e *WorkerError) wireWorker {
		w := wireWorker{
			e.Function, e.Index, e.Worker, e.PID, e.ExitCode, 0, e.OOM, e.Limit, e.Memory, e.Stderr, e.Crash, e.Attempts,
		}
		if s, ok := e.Signal.(syscall.Signal); ok {
			w.Signal = int(s)
		}
		return w
	}, func(w wireWorker) *WorkerError {
		var signal os.Signal
		if w.Signal != 0 {
			signal = syscall.Signal(w.Signal)
		}
		return &WorkerError{w.Function, w.Index, w.Worker, w.PID, w.ExitCode, signal, w.OOM, w.Limit, w.Memory, w.Stderr, w.Crash, w.Attempts}
	})
	own("mp.PanicError", func(e *PanicError) [2]string { return [2]string{e.Value, e.Stack} },
		func(w [2]string) *PanicError { return &PanicError{Value: w[0], Stack: w[1]} })
	own("mp.TimeoutError", func(e *TimeoutError) wireTimeout { return wireTimeout(*e) },
		func(w wireTimeout) *TimeoutError { e := TimeoutError(w); return &e })
	ownNested("mp.ElementError", func(e *ElementError, depth int) wireElement {
		return wireElement{e.Index, appendErrorWithin(nil, e.Err, depth)}
	}, func(w wireElement, depth int) *ElementError { return &ElementError{w.Index, decodePart(w.Err, depth)} })
	ownNested("mp.foldError", func(e *foldError, depth int) wireElement {
		return wireElement{e.place, appendErrorWithin(nil, e.err, depth)}
	}, func(w wireElement, depth int) *foldError { return &foldError{w.Index, decodePart(w.Err, depth)} })
	own("mp.RemoteError", func(e *RemoteError) [3]string { return [3]string{e.Text, e.Type, e.Stack} },
		func(w [3]string) *RemoteError { return &RemoteError{Text: w[0], Type: w[1], Stack: w[2]} })
}

type wireWorker struct {
	Function                             string
	Index, Worker, PID, ExitCode, Signal int
	OOM                                  bool
	Limit, Memory                        int64
	Stderr, Crash                        string
	Attempts                             int
}

type wireTimeout struct {
	Function string
	Index    int
	Timeout  time.Duration
	Killed   bool
	Stack    string
}

type wireElement struct {
	Index int
	Err   []byte
}

func own[E error, W any](name string, to func(E) W, from func(W) E) {
	ownNested(name, func(e E, _ int) W { return to(e) }, func(w W, _ int) E { return from(w) })
}

// ownNested is own of a type that holds an error.
func ownNested[E error, W any](name string, to func(E, int) W, from func(W, int) E) {
	c, err := codec.For[W]()
	if err != nil {
		panic(err) // the types above are wrong
	}
	registerErrorType(name, "mp", errorType{
		encode: func(err error, depth int) ([]byte, bool) {
			e, ok := err.(E) //nolint:errorlint // each error of the chain is asked by itself
			if !ok {
				return nil, false
			}
			w := to(e, depth)
			body, err := c.Append(nil, &w)
			return body, err == nil
		},
		decode: func(body []byte, depth int) (error, bool) {
			var w W
			if _, err := c.Decode(body, &w); err != nil {
				return nil, false //nolint:nilerr // the error is the value here
			}
			return from(w, depth), true
		},
	})
}
