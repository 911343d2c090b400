package mp

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/go-multiproc/mp/internal/link"
)

// part is what a worker has made of N inputs that it got at once: it is the outcome of the first of them, and that of the others is
// empty.
type part[Acc any] struct {
	N   int
	Acc *Acc
}

// foldError is an error of a fold, with the place of its second argument among those that were folded.
type foldError struct {
	place int
	err   error
}

// Error implements error.
func (e *foldError) Error() string { return e.err.Error() }

// Unwrap returns the error itself.
func (e *foldError) Unwrap() error { return e.err }

// partOf makes a part of the inputs. If one cannot be mapped, it is of those before it.
func partOf[In, Acc any](
	ctx context.Context, in []In, mapFn func(context.Context, In) (Acc, error), fold func(context.Context, Acc, Acc) (Acc, error),
) (parts []part[Acc], failed int, err error) {
	parts = make([]part[Acc], len(in))
	var acc Acc
	for i, x := range in {
		ctx := link.Nth(ctx, i)
		v, err := tryMap(ctx, mapFn, x)
		if err != nil {
			return parts, i, err
		}
		if i > 0 {
			if v, err = tryFold(ctx, i, fold, acc, v); err != nil {
				return parts, 0, err // acc may be half changed
			}
		}
		acc = v
		parts[0] = part[Acc]{i + 1, &acc}
	}
	return parts, 0, nil
}

func tryMap[In, Acc any](ctx context.Context, mapFn func(context.Context, In) (Acc, error), x In) (v Acc, err error) {
	defer catchPanic(&err)
	return mapFn(ctx, x)
}

func tryFold[Acc any](ctx context.Context, place int, fold func(context.Context, Acc, Acc) (Acc, error), a, b Acc) (Acc, error) {
	v, err := func() (v Acc, err error) {
		defer catchPanic(&err)
		return fold(ctx, a, b)
	}()
	if err != nil {
		err = &foldError{place, err}
	}
	return v, err
}

// catchPanic makes an error of a panic; it is deferred.
func catchPanic(err *error) {
	if v := recover(); v != nil {
		p := &PanicError{Value: sprint(v), Stack: string(debug.Stack())}
		if e, ok := v.(error); ok {
			p.Value, p.causes = text(e), []error{e}
		}
		*err = p
	}
}

// folding folds parts in their order, some at a time, for a call costs more than most folds.
type folding[Acc any] struct {
	fold    func([]Acc) (Acc, error)
	accs    []Acc
	first   []int // the first input of each
	covered int   // inputs of which there is a part
}

// foldAtOnce is how many are folded at a time.
const foldAtOnce = 16

// add takes the outcome of the i-th input.
func (f *folding[Acc]) add(i int, p part[Acc]) error {
	switch {
	case i < f.covered && i+p.N <= f.covered: // without a part, or run again: its worker had sent the part, and died before it had sent all
		return nil
	case i != f.covered || p.N < 1 || p.Acc == nil:
		return fmt.Errorf("mp: the parts of a Reduction have come apart: %d inputs from %d, after %d", p.N, i, f.covered)
	}
	f.covered += p.N
	f.accs, f.first = append(f.accs, *p.Acc), append(f.first, i)
	if len(f.accs) < foldAtOnce {
		return nil
	}
	return f.foldAll()
}

// foldAll makes one of those that there are.
func (f *folding[Acc]) foldAll() error {
	acc, err := f.fold(f.accs)
	if err != nil {
		place := 1
		if fe := (*foldError)(nil); errors.As(err, &fe) {
			place, err = fe.place, fe.err
		}
		return &ElementError{Index: f.first[place], Err: err}
	}
	clear(f.accs[1:])
	f.accs[0] = acc
	f.accs, f.first = f.accs[:1], f.first[:1]
	return nil
}

// result is what came of all.
func (f *folding[Acc]) result() (acc Acc, err error) {
	if len(f.accs) > 1 {
		if err := f.foldAll(); err != nil {
			return acc, err
		}
	}
	if len(f.accs) > 0 {
		acc = f.accs[0]
	}
	return acc, nil
}
