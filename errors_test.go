//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
)

type badUnwrapError struct{}

func (badUnwrapError) Error() string { return "its Unwrap panics" }
func (badUnwrapError) Unwrap() error { panic("in Unwrap") }

type endlessError struct{}

func (*endlessError) Error() string   { return "wraps itself" }
func (e *endlessError) Unwrap() error { return e }

// oddErrors are such as no one writes on purpose.
var oddErrors = map[string]func() error{
	"unwrap panics": func() error { return badUnwrapError{} },
	"wraps itself":  func() error { return &endlessError{} },
	"nil path":      func() error { return (*fs.PathError)(nil) },
	"nil own":       func() error { return (*ownError)(nil) },
	"nil worker":    func() error { return (*mp.WorkerError)(nil) },
	"nil element":   func() error { return (*mp.ElementError)(nil) },
	"deep": func() error {
		err := io.EOF
		for range 40 {
			err = &mp.ElementError{Err: &fs.PathError{Op: "open", Path: "x", Err: err}}
		}
		return err
	},
}

// oddError fails, or panics after "panic ", with an odd error; else it succeeds.
var oddError = mp.Func("oddError", func(_ context.Context, how string) (string, error) {
	how, panics := strings.CutPrefix(how, "panic ")
	if err := oddErrors[how]; panics {
		panic(err())
	} else if err != nil {
		return "", err()
	}
	return how, nil
})

// W14: an error whose methods panic, or whose chain has no end, is its own element's outcome: the worker lives on, and so do the
// elements after it. (The panic in Unwrap came while the worker reported the first one, so that it reported something else,
// began the next element, and died.)
func TestOddErrors(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		for how := range oddErrors {
			for _, how := range []string{how, "panic " + how} {
				for i, r := range oddError.Results(ctx, x, func(yield func(string) bool) {
					_ = yield(how) && yield("fine") && yield("fine")
				}) {
					if i > 0 {
						if r.Err != nil || r.Value != "fine" {
							t.Errorf("%s: element %d: %q, %v", how, i, r.Value, r.Err)
						}
						continue
					}
					checkOdd(t, how, r.Err)
				}
			}
		}
		if pool, ok := x.(*mp.Pool); ok && pool.Stats().Restarts != 0 {
			t.Errorf("%d workers died", pool.Stats().Restarts)
		}
	})
}

func checkOdd(t *testing.T, how string, err error) {
	t.Helper()
	var pe *mp.PanicError
	var re *mp.RemoteError
	how, panics := strings.CutPrefix(how, "panic ")
	switch {
	case panics:
		if !errors.As(err, &pe) || !strings.Contains(pe.Stack, "errors_test.go") {
			t.Errorf("panic %s: %T %v", how, err, err)
		}
	case !errors.As(err, &re) || errors.As(err, &pe) || re.Type != fmt.Sprintf("%T", oddErrors[how]()):
		t.Errorf("%s: %T %v", how, err, err)
	}
	if how == "deep" && !errors.Is(err, io.EOF) {
		t.Errorf("%s: io.EOF is not in %v", how, err)
	}
}
