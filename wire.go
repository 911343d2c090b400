package mp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/codec"
	"github.com/go-multiproc/mp/internal/engine"
)

// wireError is an error on its way to another process.
type wireError struct {
	Text, Type, Stack string
	Panic             bool
	Causes            []wireCause
}

// wireCause is a part of an error's chain that the other side can rebuild.
type wireCause struct {
	Kind uint8
	Name string // of a sentinel or a type; Op of a PathError
	Text string // Path of a PathError
	Code int64  // errno
	Body []byte // of a registered type
}

const (
	causeSentinel uint8 = iota + 1
	causeErrno
	causePath
	causeType
)

// maxCauses bounds what is kept of an error's chain, which may have any size.
const maxCauses = 64

var wire, _ = codec.For[wireError]()

// errorTable is what RegisterError and RegisterErrorType add to. A table never changes: who adds makes another.
type errorTable struct {
	sentinels map[string]error
	names     map[error]string
	types     map[string]errorType
}

var (
	known   atomic.Pointer[errorTable]
	knownMu sync.Mutex // held to replace known
)

// learn replaces the table by a copy that change has changed.
func learn(change func(*errorTable)) {
	knownMu.Lock()
	defer knownMu.Unlock()
	next := errorTable{make(map[string]error), make(map[error]string), make(map[string]errorType)}
	if old := known.Load(); old != nil {
		maps.Copy(next.sentinels, old.sentinels)
		maps.Copy(next.names, old.names)
		maps.Copy(next.types, old.types)
	}
	change(&next)
	known.Store(&next)
}

// errorType encodes errors of one type, and only those.
type errorType struct {
	encode func(err error, depth int) (body []byte, ok bool)
	decode func(body []byte, depth int) (error, bool)
}

func init() {
	for name, err := range map[string]error{
		"io.EOF": io.EOF, "io.ErrUnexpectedEOF": io.ErrUnexpectedEOF, "io.ErrClosedPipe": io.ErrClosedPipe,
		"io.ErrShortWrite": io.ErrShortWrite, "io.ErrShortBuffer": io.ErrShortBuffer, "io.ErrNoProgress": io.ErrNoProgress,
		"fs.ErrInvalid": fs.ErrInvalid, "fs.ErrPermission": fs.ErrPermission, "fs.ErrExist": fs.ErrExist,
		"fs.ErrNotExist": fs.ErrNotExist, "fs.ErrClosed": fs.ErrClosed,
		"os.ErrProcessDone": os.ErrProcessDone, "os.ErrDeadlineExceeded": os.ErrDeadlineExceeded, "os.ErrNoDeadline": os.ErrNoDeadline,
		"context.Canceled": context.Canceled, "context.DeadlineExceeded": context.DeadlineExceeded,
		"errors.ErrUnsupported": errors.ErrUnsupported,
		"mp.ErrClosed":          ErrClosed, "mp.ErrFull": ErrFull, "mp.ErrNotMain": ErrNotMain, "mp.ErrDetached": ErrDetached,
		"mp.ErrInterrupted": ErrInterrupted, "mp.ErrLeaseLost": ErrLeaseLost,
	} {
		RegisterError(name, err)
	}
	registerOwn()
	codec.SetErrorHooks(
		func(dst []byte, err error, depth int) ([]byte, error) { return appendErrorWithin(dst, err, depth), nil },
		decodeErrorWithin)
}

// RegisterError makes a sentinel known under a name, so that errors.Is finds it in what comes from another process. Those
// of io, io/fs, os and context, and every syscall.Errno, are known. Call it in every process alike, at package level or in an init:
//
//	var ErrBroken = errors.New("broken")
//	func init() { mp.RegisterError("mypackage.ErrBroken", ErrBroken) }
//
// It panics if the name is taken by another error.
func RegisterError(name string, err error) {
	if err == nil || !reflect.TypeOf(err).Comparable() {
		panic(fmt.Sprintf("mp: %s: RegisterError(%q): a sentinel is an error that can be compared", caller(), name))
	}
	site := caller()
	learn(func(t *errorTable) {
		if old, ok := t.sentinels[name]; ok && old != err { //nolint:errorlint // identity is the question
			panic(fmt.Sprintf("mp: %s: RegisterError(%q): the name is taken", site, name))
		}
		t.sentinels[name], t.names[err] = err, name
	})
}

// RegisterErrorType makes an error type known under a name, so that errors.As finds it in what comes from another process. E
// crosses as an argument does; it may be a pointer. It panics if E cannot cross or the name is taken.
func RegisterErrorType[E error](name string) {
	c, err := codec.For[E]()
	if err != nil {
		panic(fmt.Sprintf("mp: %s: RegisterErrorType(%q): %v", caller(), name, err))
	}
	registerErrorType(name, caller(), errorType{
		encode: func(err error, depth int) ([]byte, bool) {
			e, ok := err.(E) //nolint:errorlint // each error of the chain is asked by itself
			if !ok {
				return nil, false
			}
			body, encErr := c.AppendWithin(nil, &e, depth)
			return body, encErr == nil
		},
		decode: func(body []byte, depth int) (_ error, ok bool) {
			defer func() {
				if recover() != nil { // of an unmarshaller: what is left is the text
					ok = false
				}
			}()
			var e E
			_, err := c.DecodeWithin(body, &e, depth)
			return e, err == nil
		},
	})
}

func registerErrorType(name, site string, t errorType) {
	learn(func(table *errorTable) {
		if _, ok := table.types[name]; ok {
			panic(fmt.Sprintf("mp: %s: the error type name %q is taken", site, name))
		}
		table.types[name] = t
	})
}

// RegisterType lets values of type T travel in interfaces, as in a field of type any, under a name. Basic types, and slices
// and maps of them, may at once. Call it in every process alike; it panics if T cannot cross or the name is taken.
func RegisterType[T any](name string) {
	if err := codec.RegisterInterface(name, reflect.TypeFor[T]()); err != nil {
		panic(fmt.Sprintf("mp: %s: RegisterType(%q): %v", caller(), name, err))
	}
}

// errorLevel is what an error within an error takes of codec.MaxDepth: a hundred may be nested, in whatever way. A hostile
// peer could nest millions, and no stack has room for that.
const errorLevel = codec.MaxDepth / 100

// appendError encodes an error that a function returned.
func appendError(dst []byte, err error) []byte { return appendErrorWithin(dst, err, codec.MaxDepth) }

// appendErrorWithin is appendError of a part of something. Of what is nested too deeply the text is left.
func appendErrorWithin(dst []byte, err error, depth int) []byte {
	w := wireError{Text: text(err), Type: fmt.Sprintf("%T", err)}
	if r, ok := err.(*RemoteError); ok { //nolint:errorlint // only if it is one itself
		w.Type, w.Stack = r.Type, r.Stack
	}
	w.gather(err, depth-errorLevel)
	return w.append(dst)
}

// appendPanic encodes what a function panicked with.
func appendPanic(dst []byte, v any, stack string) []byte {
	w := wireError{Panic: true, Stack: stack}
	if err, ok := v.(error); ok {
		w.Text = text(err)
		w.gather(err, codec.MaxDepth-errorLevel)
	} else {
		w.Text = sprint(v)
	}
	return w.append(dst)
}

func (w *wireError) append(dst []byte) []byte {
	out, err := wire.Append(dst, w)
	if err != nil {
		panic(err) // strings and bytes always encode
	}
	return out
}

// text is the error's text even if its Error method panics.
func text(err error) (s string) {
	defer func() {
		if v := recover(); v != nil {
			s = fmt.Sprintf("%T (its Error method panics)", err)
		}
	}()
	return err.Error()
}

func sprint(v any) (s string) {
	defer func() {
		if recover() != nil {
			s = fmt.Sprintf("%T", v)
		}
	}()
	return fmt.Sprint(v)
}

// maxWalk bounds how much of an error's chain is looked at: it may have any size, and even lead back to itself.
const maxWalk = 1024

// gather notes what the other side can rebuild of an error's chain.
func (w *wireError) gather(err error, depth int) {
	if steps := maxWalk; depth > 0 {
		w.walk(err, &steps, depth)
	}
}

// walk walks the tree that errors.Is would walk. What it calls is not this package's, and may panic.
func (w *wireError) walk(err error, steps *int, depth int) {
	if *steps--; err == nil || *steps < 0 || len(w.Causes) >= maxCauses {
		return
	}
	table := known.Load()
	if reflect.ValueOf(err).Comparable() {
		if name, ok := table.names[err]; ok {
			w.Causes = append(w.Causes, wireCause{Kind: causeSentinel, Name: name})
		}
	}
	for name, t := range table.types {
		if body, ok := t.try(err, depth); ok {
			w.Causes = append(w.Causes, wireCause{Kind: causeType, Name: name, Body: body})
		}
	}
	switch e := err.(type) { //nolint:errorlint // each error of the chain is asked by itself
	case syscall.Errno:
		w.Causes = append(w.Causes, wireCause{Kind: causeErrno, Code: int64(e)})
	case *fs.PathError:
		if e == nil {
			return
		}
		w.Causes = append(w.Causes, wireCause{Kind: causePath, Name: e.Op, Text: e.Path, Body: appendErrorWithin(nil, e.Err, depth)})
		return // the rest of the chain is in the body: to walk it as well doubles the size with each such error
	case *ElementError, *foldError:
		return // likewise
	}
	for _, x := range unwrap(err) {
		w.walk(x, steps, depth)
	}
}

// try is encode, that of an error whose methods may panic: a nil pointer's do.
func (t errorType) try(err error, depth int) (body []byte, ok bool) {
	defer func() {
		if recover() != nil {
			body, ok = nil, false
		}
	}()
	return t.encode(err, depth)
}

// unwrap is what errors.Is would look at next, nothing if the error's Unwrap method panics.
func unwrap(err error) (next []error) {
	defer func() {
		if recover() != nil {
			next = nil
		}
	}()
	switch e := err.(type) { //nolint:errorlint // as errors.Is does
	case interface{ Unwrap() error }:
		return []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		return e.Unwrap()
	}
	return nil
}

// rebuild makes the error that stands for the original here. What is nested in it may be so no deeper than depth.
func (w *wireError) rebuild(depth int) error {
	causes := make([]error, 0, len(w.Causes))
	table := known.Load()
	for _, c := range w.Causes {
		switch c.Kind {
		case causeSentinel:
			if err, ok := table.sentinels[c.Name]; ok {
				causes = append(causes, err)
			}
		case causeErrno:
			causes = append(causes, syscall.Errno(c.Code))
		case causePath:
			causes = append(causes, &fs.PathError{Op: c.Name, Path: c.Text, Err: decodePart(c.Body, depth)})
		case causeType:
			if t, ok := table.types[c.Name]; ok {
				if err, ok := t.decode(c.Body, depth); ok {
					causes = append(causes, err)
				}
			}
		}
	}
	if w.Panic {
		return &PanicError{Value: w.Text, Stack: w.Stack, causes: causes}
	}
	return &RemoteError{Text: w.Text, Type: w.Type, Stack: w.Stack, causes: causes}
}

// decodeError decodes what appendError or appendPanic wrote; bytes that neither has written are an error as well.
func decodeError(src []byte) error { return decodePart(src, codec.MaxDepth) }

// decodePart is decodeError of a part of something.
func decodePart(src []byte, depth int) error {
	err, _, corrupt := decodeErrorWithin(src, depth)
	if corrupt != nil {
		return fmt.Errorf("mp: an error from a worker that cannot be decoded: %w", corrupt)
	}
	return err
}

// decodeErrorWithin decodes an error from the front of src and returns the rest.
func decodeErrorWithin(src []byte, depth int) (err error, rest []byte, corrupt error) {
	if depth <= 0 {
		return nil, src, errTooDeep
	}
	var w wireError
	if rest, corrupt = wire.Decode(src, &w); corrupt != nil {
		return nil, src, corrupt
	}
	return w.rebuild(depth - errorLevel), rest, nil
}

var errTooDeep = errors.New("it is nested too deeply")

// outcome decodes the outcome of an element into v, or returns its error.
func (f *Function[In, Out]) outcome(r engine.Result, index int, v *Out) (err error) {
	if err := remoteError(r, f.name, index); err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil { // of an unmarshaller
			err = fmt.Errorf("mp: function %q: decoding the result: panic: %v", f.name, p)
		}
	}()
	rest, err := f.out.Decode(r.Payload, v)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: %d bytes too many", codec.ErrCorrupt, len(rest))
	}
	if err != nil {
		var zero Out
		*v = zero
		return fmt.Errorf("mp: function %q: decoding the result: %w", f.name, err)
	}
	return nil
}

// remoteError is why an element has no result, nil if it has one.
func remoteError(r engine.Result, function string, index int) error {
	switch {
	case r.Failure != nil && r.Failure.Reason == engine.Interrupted:
		return interruptedError(r, function, index)
	case r.Failure != nil:
		return failure(r.Failure, function, index)
	case r.Status == abi.StatusOK:
		return nil
	case r.Status == abi.StatusGoexit:
		return &PanicError{Value: "runtime.Goexit"}
	}
	return decodeError(r.Payload)
}
