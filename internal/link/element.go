package link

import (
	"context"
	"sync"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

// element is the context of a running element. It is made for every element, so it costs nothing until something asks
// for Done; then a real context is made, so that contexts derived from it need no goroutine.
type element struct {
	base     context.Context
	number   uint64
	deadline time.Time

	mu    sync.Mutex
	inner context.Context
	stop  context.CancelCauseFunc
	err   error
}

// Deadline implements context.Context.
func (e *element) Deadline() (time.Time, bool) { return e.deadline, !e.deadline.IsZero() }

// Done implements context.Context.
func (e *element) Done() <-chan struct{} { return e.context().Done() }

// Err implements context.Context.
func (e *element) Err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// Value implements context.Context.
func (e *element) Value(key any) any { return e.context().Value(key) }

func (e *element) context() context.Context {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.inner == nil {
		e.inner, e.stop = context.WithCancelCause(e.base)
		if e.err != nil {
			e.stop(e.err)
		}
	}
	return e.inner
}

func (e *element) cancel(cause uint8) {
	err := context.Canceled
	if cause == abi.CauseTimeout {
		err = context.DeadlineExceeded
	}
	e.close(err)
}

// end cancels the context when its function has returned, as every server does: what it left running should stop.
func (e *element) end() {
	e.close(context.Canceled)
}

func (e *element) close(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil {
		e.err = err
		if e.stop != nil {
			e.stop(err)
		}
	}
}
