package engine

import (
	"context"

	"github.com/go-multiproc/mp/internal/sched"
)

// A Lease is a worker that runs nothing but the jobs that name it.
type Lease struct {
	e       *Engine
	pin     sched.Pin     // guarded by the engine's mutex, as all below
	granted chan struct{} // closed when it has a worker
	worker  *worker       // set before it is handed to anybody
	over    bool          // released
	lost    *Failure      // its worker has ended
}

// Lease waits for a worker that has nothing to do, and takes it out of what all share. While it waits, no worker is given anything
// ahead, so the first that ends what it runs is free. Release must follow.
func (e *Engine) Lease(ctx context.Context) (*Lease, error) {
	for {
		l := &Lease{e: e, granted: make(chan struct{})}
		l.pin.Granted = func() { close(l.granted) }
		l.pin.Owner = l
		e.mu.Lock()
		err := e.refuses()
		if err == nil {
			e.sched.Lease(&l.pin)
		}
		e.mu.Unlock()
		if err != nil {
			return nil, err
		}
		e.dispatch()
		if err := l.await(ctx); err != nil {
			l.Release()
			return nil, err
		}
		e.mu.Lock()
		s := l.pin.Worker()
		e.mu.Unlock()
		if s != nil {
			l.worker = s.Owner.(*worker)
			return l, nil
		} // it died just then, and nobody has used it
	}
}

// await waits until the lease is granted, or cannot be any more.
func (l *Lease) await(ctx context.Context) error {
	for {
		l.e.mu.Lock()
		changed, err := l.e.changed, l.e.refuses()
		l.e.mu.Unlock()
		if err != nil {
			return err
		}
		select {
		case <-l.granted:
			return nil
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Release gives the worker back. What was begun or waits goes on there, before what is for all.
func (l *Lease) Release() {
	l.e.mu.Lock()
	l.over = true
	w := l.pin.Worker()
	l.e.sched.Release(&l.pin)
	l.e.mu.Unlock()
	if w != nil {
		w.Owner.(*worker).relieve()
	}
	l.e.dispatch()
}

// relieve lets a worker leave that is not wanted any more, or has an heir, unless it is leased: then Release calls it again.
func (w *worker) relieve() {
	e := w.e
	e.used(w)
	e.mu.Lock()
	goes := w.reason == reasonResize && w.sched.Lease() == nil
	if goes {
		e.sched.Leave(&w.sched)
	}
	e.mu.Unlock()
	if goes {
		w.leave()
	}
}

// Worker is the index of the worker, PID its process.
func (l *Lease) Worker() int { return l.worker.index }

// PID is the worker's process.
func (l *Lease) PID() int { return l.worker.pid() }

// Err is why no job can be begun on the lease; nil if one can.
func (l *Lease) Err() error {
	l.e.mu.Lock()
	defer l.e.mu.Unlock()
	return l.err()
}

// err is Err for who has the engine's mutex.
func (l *Lease) err() error {
	err := l.e.refuses()
	switch {
	case err != nil:
		return err
	case l.over:
		return ErrClosed
	case l.lost != nil:
		return l.e.cfg.LeaseError(l.lost)
	default:
		return nil
	}
}

// forfeit notes that the leased worker, if w is one, has ended, and returns its jobs: they have nobody to run them. Call it with the engine's
// mutex, before the scheduler forgets w.
func (w *worker) forfeit(f *Failure) (jobs []*Job) {
	p := w.sched.Lease()
	if p == nil {
		return nil
	}
	l := p.Owner.(*Lease)
	f.Reason = LeaseLost
	l.lost = f
	for j := range w.e.jobs {
		if j.Lease == l {
			jobs = append(jobs, j)
		}
	}
	return jobs
}
