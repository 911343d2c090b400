package mp

import (
	"context"
	"errors"

	"github.com/go-multiproc/mp/internal/engine"
)

// ErrLeaseLost reports that the worker of a Lease has ended. The error also tells how, as a *WorkerError.
var ErrLeaseLost = errors.New("mp: the leased worker has ended")

// A Lease is a worker that one holder has for himself, for what a process can have only one of: a native handle, a connection, a
// directory it has changed to. It is an Executor: what is called with it runs on this worker only, in order. All its methods are safe for concurrent use.
//
// When the worker dies, what ran fails with a *WorkerError, and all else, with every later call, with ErrLeaseLost: what the worker held
// is gone, and its successor belongs to the pool. Retries mean nothing here.
type Lease struct {
	backend engine.Backend
	lease   *engine.Lease
}

// Lease waits for a worker that has nothing to do, and takes it out of what the pool's calls share, until Release. What has not begun moves to other
// workers, and while Lease waits, none is given anything ahead: so it gets the first that ends what it runs, before any call that waits, whatever its
// priority, and in the order in which it was asked for. Calls with a Key of that worker wait; so do all other calls while every worker is
// leased. A Close of the pool, and a Stop, finish what was called before, and end the lease.
func (p *Pool) Lease(ctx context.Context) (*Lease, error) { return lease(ctx, &p.backend) }

func lease(ctx context.Context, b *engine.Backend) (*Lease, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l, err := b.Engine.Lease(ctx)
	if err != nil {
		return nil, err
	}
	leased := &Lease{backend: *b, lease: l}
	leased.backend.Lease, leased.backend.Workers = l, 1
	return leased, nil
}

// Backend implements Executor.
func (l *Lease) Backend() (*engine.Backend, error) {
	if err := l.lease.Err(); err != nil {
		return nil, err
	}
	return &l.backend, nil
}

// Worker is the index of the leased worker.
func (l *Lease) Worker() int { return l.lease.Worker() }

// PID is its process.
func (l *Lease) PID() int { return l.lease.PID() }

// Release gives the worker back to the pool; later calls on the lease fail with ErrClosed. It waits for nothing: what was called before still
// runs on this worker, before what is for all. A second Release does nothing.
func (l *Lease) Release() error {
	l.lease.Release()
	return nil
}
