package mp

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
)

// A Reduction makes one value of many. Make it with Reducer, at package level. It is immutable and safe for concurrent use.
type Reduction[In, Acc any] struct {
	parts *Function[In, part[Acc]]
	folds *Function[[]Acc, Acc]
}

// Reducer registers two functions, as Func does, one under name and one under a name derived from it: mapFn makes a value of an
// input, fold makes one of two, of which a comes from earlier inputs than b.
//
//	var words = mp.Reducer("words",
//		func(ctx context.Context, line string) (map[string]int, error) { ... },
//		func(ctx context.Context, a, b map[string]int) (map[string]int, error) { ... })
//
// fold must be associative, for nobody knows where the inputs are divided; it need not be commutative. It may change its arguments
// and return one of them. Both run in workers only. The context of mapFn is that of its input: see ElementIndex and Rand.
func Reducer[In, Acc any](
	name string, mapFn func(context.Context, In) (Acc, error), fold func(ctx context.Context, a, b Acc) (Acc, error),
) *Reduction[In, Acc] {
	site := caller()
	if mapFn == nil || fold == nil {
		panic(fmt.Sprintf("mp: %s: a function of Reducer %q is nil", site, name))
	}
	return &Reduction[In, Acc]{
		parts: newChunked(name, site, func(ctx context.Context, in []In) ([]part[Acc], int, error) {
			return partOf(ctx, in, mapFn, fold)
		}),
		folds: newFunction(name+" (fold)", func(ctx context.Context, accs []Acc) (acc Acc, err error) {
			acc = accs[0]
			for k, b := range accs[1:] {
				if acc, err = tryFold(ctx, k+1, fold, acc, b); err != nil {
					break
				}
			}
			return acc, err
		}, site),
	}
}

// Reduce maps every input and folds what comes of them, in their order: first in the workers those that a worker gets at once, about a
// millisecond of work or as many as ChunkSize says, then what the workers have made, again in workers. No input gives the zero Acc.
// Inputs are pulled as by Stream, so an input of any length needs no more memory than Window and a few Accs.
//
// The first failure to arrive cancels the rest; the error is an *ElementError of the lowest index among the failures known then. A
// failure of fold has the index of the first of its later inputs; where a worker ended, or a time was over, it is that of the first input
// that the worker had got at once. Timeout is for all of these together. When ctx ends, Reduce returns its error.
func (r *Reduction[In, Acc]) Reduce(ctx context.Context, x Executor, in iter.Seq[In], opts ...MapOption) (Acc, error) {
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := firstFailure{cancel: cancel}
	folding := folding[Acc]{fold: func(accs []Acc) (Acc, error) { return r.folds.Call(within, x, accs, callOptions(opts)...) }}
	var zero Acc
	i := 0
	for p, err := range r.parts.Stream(within, x, in, append(slices.Clone(opts), &failed)...) {
		if err == nil {
			err = folding.add(i, p)
		}
		if err != nil {
			return zero, failed.or(ctx, err)
		}
		i++
	}
	acc, err := folding.result()
	if err != nil {
		return zero, failed.or(ctx, err)
	}
	return acc, nil
}

// callOptions are those of the options that are for calls as well.
func callOptions(opts []MapOption) (calls []CallOption) {
	for _, o := range opts {
		if c, ok := o.(CallOption); ok {
			calls = append(calls, c)
		}
	}
	return calls
}

// firstFailure is an option that notes the failure with the lowest index, and cancels the rest.
type firstFailure struct {
	cancel context.CancelFunc
	mu     sync.Mutex
	err    *ElementError // guarded by mu
}

func (f *firstFailure) mapping(s *settings) { s.failed = f.note }

func (f *firstFailure) note(index int, err error) {
	if fe := (*foldError)(nil); errors.As(err, &fe) {
		index, err = index+fe.place, fe.err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil || index < f.err.Index {
		f.err = &ElementError{Index: index, Err: err}
	}
	f.cancel()
}

// or is the first failure, or, if there was none, what else ended it.
func (f *firstFailure) or(ctx context.Context, err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.err != nil:
		return f.err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return err
}
