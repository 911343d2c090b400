package mp

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/engine"
)

// A Future is a call that was started. All its methods are safe for concurrent use.
type Future[Out any] struct {
	done    chan struct{}
	backend *engine.Backend // nil if the call was refused
	job     engine.Job
	bytes   int64
	stop    atomic.Pointer[func() bool] // of the context's AfterFunc

	entered, begun bool // immutable once submit has returned

	over      atomic.Bool // done is closed
	mu        sync.Mutex
	resolved  bool
	out       Out
	err       error
	callbacks []func(Out, error)
}

// Done is closed when the call has ended.
func (f *Future[Out]) Done() <-chan struct{} { return f.done }

func (f *Future[Out]) ended() bool { return f.over.Load() }

// Wait waits for the end of the call and returns what came of it. When ctx ends first, Wait returns its error, and the call goes on.
func (f *Future[Out]) Wait(ctx context.Context) (Out, error) {
	if !f.ended() {
		defer nested(ctx, f.backend)()
		select {
		case <-f.done:
		case <-ctx.Done():
			var zero Out
			return zero, ctx.Err()
		}
	}
	return f.out, f.err
}

// Cancel ends the call, if it has not ended: its outcome is context.Canceled. If it runs, its context is cancelled, and after
// Grace its worker killed.
func (f *Future[Out]) Cancel() { f.cancel(context.Canceled) }

func (f *Future[Out]) cancel(err error) {
	if f.resolve(func(*Out) error { return err }, nil) && f.begun {
		f.backend.Engine.End(&f.job)
	}
}

// Then calls fn with the outcome, on a goroutine of its own: at once if the call has ended. A panic of fn hurts nobody: the pool's
// Observer and Logger are told, and if it has neither, standard error.
func (f *Future[Out]) Then(fn func(Out, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.resolved {
		go f.isolated(fn)
		return
	}
	f.callbacks = append(f.callbacks, fn)
}

// isolated calls back. The program is not the callback's to end.
func (f *Future[Out]) isolated(fn func(Out, error)) {
	defer func() {
		if p := recover(); p != nil {
			err := fmt.Errorf("mp: panic in a callback of Then: %s\n%s", sprint(p), debug.Stack())
			if f.backend == nil || !f.backend.Engine.Report(&f.job, err) {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}()
	fn(f.out, f.err)
}

// resolve gives the call its outcome, and reports whether it had none before. tell, if it is set, is told before those who wait.
func (f *Future[Out]) resolve(outcome func(*Out) error, tell func(error)) bool {
	f.mu.Lock()
	if f.resolved {
		f.mu.Unlock()
		return false
	}
	f.resolved = true
	f.err = outcome(&f.out)
	callbacks := f.callbacks
	f.callbacks = nil
	f.mu.Unlock()
	if tell != nil {
		tell(f.err)
	}
	f.over.Store(true)
	close(f.done)
	if stop := f.stop.Load(); stop != nil {
		(*stop)()
	}
	if f.entered {
		f.backend.Engine.Leave(f.bytes)
	}
	for _, fn := range callbacks {
		go f.isolated(fn)
	}
	return true
}
