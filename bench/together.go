package main

import (
	"context"
	"time"

	"github.com/go-multiproc/mp"
)

// together runs all at once. The first that fails ends the others, for they may wait for it.
func together(runs ...func(context.Context) error) error {
	all, cancel := context.WithCancel(ctx)
	defer cancel()
	outcomes := make(chan error)
	for _, run := range runs {
		go func() { outcomes <- run(all) }()
	}
	var first error
	for range runs {
		if err := <-outcomes; err != nil && first == nil {
			first = err
			cancel()
		}
	}
	return first
}

// inProcess is one of those: f in a process of its own, its result stored.
func inProcess[In, Out any](f *mp.Function[In, Out], in In, out *Out) func(context.Context) error {
	return func(ctx context.Context) error {
		p, err := f.Start(ctx, in)
		if err != nil {
			return err
		}
		*out, err = p.Wait(ctx)
		return err
	}
}

// A span is when a process began and when it ended, in nanoseconds of the wall clock, which is everybody's.
type span struct{ Begin, End int64 }

// whole is from the first begin to the last end.
func whole(spans []span) time.Duration {
	all := spans[0]
	for _, s := range spans[1:] {
		all = span{min(all.Begin, s.Begin), max(all.End, s.End)}
	}
	return time.Duration(all.End - all.Begin)
}

// free gives shared memory back. That it could not says nothing about the figures.
func free(objects ...interface{ Free() error }) {
	for _, o := range objects {
		_ = o.Free()
	}
}

// perOperation is a side that runs n operations and tells how long one of them takes.
func perOperation(name string, n int, run func(n int) error) side {
	return side{name, func() (figures, error) {
		if err := run(n/10 + 1); err != nil {
			return nil, err
		}
		begin := time.Now()
		err := run(n)
		return figures{name: time.Since(begin).Seconds() / float64(n)}, err
	}}
}
