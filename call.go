package mp

import (
	"context"
	"fmt"

	"github.com/go-multiproc/mp/internal/codec"
	"github.com/go-multiproc/mp/internal/engine"
)

// Call runs f with in on x and returns what came of it. When ctx ends, Call returns its error at once; if the element
// runs, its context is cancelled, and after Grace its worker killed. Errors are those of f as *RemoteError, *PanicError,
// *WorkerError, *TimeoutError, ErrClosed.
func (f *Function[In, Out]) Call(ctx context.Context, x Executor, in In, opts ...CallOption) (Out, error) {
	fut := f.submit(ctx, x, in, opts, func(e *engine.Engine, bytes int64) error { return e.Enter(ctx, bytes) })
	if !fut.ended() {
		fut.backend.Engine.Help(&fut.job, fut.ended)
	}
	return fut.Wait(context.WithoutCancel(ctx)) // ctx ends the call itself
}

// Go starts a call of f and returns without waiting for its end: but for room, if the pool's Window is full. What goes
// wrong is told by the future. When ctx ends, the call is cancelled.
func (f *Function[In, Out]) Go(ctx context.Context, x Executor, in In, opts ...CallOption) *Future[Out] {
	return f.submit(ctx, x, in, opts, func(e *engine.Engine, bytes int64) error { return e.Enter(ctx, bytes) })
}

// TryGo is Go that returns ErrFull instead of waiting for room, and reports what can be known at once as an error.
func (f *Function[In, Out]) TryGo(ctx context.Context, x Executor, in In, opts ...CallOption) (*Future[Out], error) {
	refused := false
	fut := f.submit(ctx, x, in, opts, func(e *engine.Engine, bytes int64) error {
		err := e.TryEnter(bytes)
		refused = err != nil
		return err
	})
	if refused || !fut.begun {
		return nil, fut.err
	}
	return fut, nil
}

// backend finds out where and how the elements of a call or a map run.
func (f *Function[In, Out]) backend(x Executor) (*engine.Backend, uint32, error) {
	if p, ok := x.(*Pool); x == nil || (ok && p == nil) {
		return nil, 0, fmt.Errorf("mp: function %q: called without an executor", f.name)
	}
	b, err := x.Backend()
	if err != nil {
		return nil, 0, err
	}
	index, ok := b.Index(f.function)
	if !ok {
		return nil, 0, fmt.Errorf("mp: function %q was registered (at %s) after the pool was started: register it at package level", f.name, f.site)
	}
	return b, index, nil
}

// prepare makes j a job of f with what the options left open taken from the backend.
func (f *Function[In, Out]) prepare(j *engine.Job, index uint32, s *settings) {
	j.Function, j.Func, j.Chunk, j.Timeout, j.Grace, j.Retries = f.name, index, s.chunk, s.timeout, s.grace, s.retries
	j.Fixed, j.Moves, j.Together = f.argSize >= 0, f.show == nil, f.chunk != nil
	j.Show, j.Observe = f.show, s.observer()
	j.Seeded, j.Seed = s.seeded, s.seed
	j.Priority, j.Key, j.Lease = s.priority, s.key, s.lease
	if s.retryIf == nil && !s.observed {
		return
	}
	name, single, retryIf := f.name, s.single, s.retryIf
	j.Error = func(i int64, r engine.Result) error {
		if single {
			i = -1
		}
		return remoteError(r, name, int(i))
	}
	if retryIf != nil {
		j.RetryIf = func(i int64, r engine.Result) bool { return retryIf(j.Error(i, r)) }
	}
}

func defaults(b *engine.Backend) settings {
	return settings{
		timeout: b.Timeout, grace: b.Grace, retries: b.Retries, window: b.Window, retryIf: b.RetryIf, observed: b.Observed, lease: b.Lease,
	}
}

// submit starts a call. enter waits for room, or not.
func (f *Function[In, Out]) submit(ctx context.Context, x Executor, in In, opts []CallOption, enter func(*engine.Engine, int64) error) *Future[Out] {
	fut := &Future[Out]{done: make(chan struct{})}
	refuse := func(err error) *Future[Out] {
		fut.resolve(func(*Out) error { return err }, nil)
		fut.job.GiveUp()
		return fut
	}
	if err := ctx.Err(); err != nil {
		return refuse(err)
	}
	b, index, err := f.backend(x)
	if err != nil {
		return refuse(err)
	}
	s := defaults(b)
	s.single = true
	for _, o := range opts {
		o.call(&s)
	}
	if s.err != nil {
		return refuse(s.err)
	}
	moves := codec.Moves()
	arg, err := f.encode(in) // in the call: it is the caller's error, and later changes are not sent
	if err != nil {
		return refuse(err)
	}
	fut.backend, fut.bytes = b, int64(len(arg))
	f.prepare(&fut.job, index, &s)
	fut.job.Waited = true
	fut.job.Arg = arg
	fut.job.Sent(0, arg, moves)
	fut.job.Deliver = func(_ int64, r engine.Result) {
		var tell func(error)
		if fut.job.Observed() {
			tell = func(err error) { finished(b.Engine, &fut.job, 0, r, err) }
		}
		if fut.resolve(func(v *Out) error { return f.outcome(r, -1, v) }, tell) {
			fut.backend.Engine.Finished(&fut.job)
		} else {
			codec.GiveUp(r.Payload)
		}
	}
	fut.job.Abort = func(why *engine.Failure) {
		fut.resolve(func(*Out) error { return failure(why, f.name, -1) }, nil)
	}
	done := nested(ctx, b)
	err = enter(b.Engine, fut.bytes)
	done()
	if err != nil {
		return refuse(err)
	}
	fut.entered = true
	if err := b.Engine.Begin(&fut.job); err != nil {
		return refuse(err)
	}
	fut.begun = true
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { fut.cancel(ctx.Err()) })
		fut.stop.Store(&stop)
	}
	b.Engine.Add(&fut.job, 1)
	return fut
}
