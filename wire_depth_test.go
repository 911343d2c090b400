package mp

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// nestedPaths is an error in an error in an error, as a hostile worker may write it.
func nestedPaths(levels int) []byte {
	var bodies [][]byte // each but for what is in it, the innermost first
	inner := (&wireError{Text: "innermost"}).append(nil)
	size := len(inner)
	for range levels {
		w := wireError{Text: "x", Causes: []wireCause{{Kind: causePath, Name: "open", Text: "f", Body: make([]byte, size)}}}
		b := w.append(nil)
		bodies = append(bodies, b[:len(b)-size])
		size = len(b)
	}
	out := make([]byte, 0, size)
	for _, b := range slices.Backward(bodies) {
		out = append(out, b...)
	}
	return append(out, inner...)
}

// An error that is nested too deeply is decoded to its outer levels: it does not take the stack, which would end the program.
func TestDecodeNestedErrors(t *testing.T) {
	for levels, whole := range map[int]bool{1: true, 90: true, 200: false, 2000: false} {
		src := nestedPaths(levels)
		err := decodeError(src)
		if err == nil || errors.Is(err, errTooDeep) == whole {
			t.Errorf("%d levels: %v", levels, err)
		}
		n := 0
		for e := err; ; n++ {
			var pe *fs.PathError
			if !errors.As(e, &pe) {
				break
			}
			e = pe.Err
		}
		if (whole && n != levels) || n > 100 {
			t.Errorf("%d levels were decoded of %d", n, levels)
		}
	}
}

type loop struct{ Err error }

func (l *loop) Error() string { return "a loop" }

func (l *loop) Unwrap() error { return nil }

func init() { RegisterErrorType[*loop]("mp.test.loop") }

// An error that contains itself, or very many others, is sent as what it says.
func TestEncodeNestedErrors(t *testing.T) {
	circle := &fs.PathError{Op: "open", Path: "f"}
	circle.Err = &ElementError{Index: 1, Err: againError{circle}}
	l := new(loop)
	l.Err = l
	deep := fs.ErrNotExist
	for i := range 1000 {
		deep = &ElementError{Index: i, Err: deep}
	}
	for _, err := range []error{circle, l, deep} {
		b := appendError(nil, err)
		got := decodeError(b)
		if text := err.Error(); got == nil || got.Error() != text || len(b) > 1<<20+200*len(text) {
			t.Errorf("%T: %.100v, %d bytes", err, got, len(b))
		}
	}
	near := fs.ErrNotExist
	for i := range 50 {
		near = &ElementError{Index: i, Err: near}
	}
	if got := decodeError(appendError(nil, near)); !errors.Is(got, fs.ErrNotExist) {
		t.Error("50 levels are too deep")
	}
}

// againError closes a circle of errors, whose text would be endless.
type againError struct{ error }

func (c againError) Error() string { return "again" }

func (c againError) Unwrap() error { return c.error }

// Whatever a worker sends as an error is decoded to one, and that can be used.
func FuzzDecodeError(f *testing.F) {
	f.Add(nestedPaths(3))
	f.Add(nestedPaths(500))
	f.Add(appendError(nil, fmt.Errorf("%w, %w", &ElementError{1, fs.ErrNotExist}, &WorkerError{Stderr: "x"})))
	f.Add(appendPanic(nil, &fs.PathError{Op: "o", Path: "p", Err: fs.ErrClosed}, "stack"))
	f.Add([]byte(strings.Repeat("\xff", 100)))
	f.Fuzz(func(t *testing.T, src []byte) {
		err := decodeError(src)
		if err == nil {
			t.Fatal("no error")
		}
		_, _ = errors.Is(err, fs.ErrNotExist), err.Error()
		_ = decodeError(appendError(nil, err)) // it may travel on
	})
}
