package engine

import (
	"context"
	"errors"
)

// Resize makes the engine have n workers, and returns when all of these have run Setup, and those that are too many, which finish what
// they have begun, have ended. When ctx ends before, it returns its error: an engine that was to grow is then as it was, one that was to
// shrink still does. Concurrent calls take effect one after the other.
func (e *Engine) Resize(ctx context.Context, n int) error {
	old, leaving := e.resize(n)
	err := e.await(ctx, func() bool {
		for _, w := range leaving {
			if _, there := e.all[w]; there {
				return false
			}
		}
		return len(e.seats) != n || e.ready() // else another Resize came, which waits itself
	})
	if err != nil && n > old && errors.Is(err, ctx.Err()) {
		e.mu.Lock()
		mine := len(e.seats) == n
		e.mu.Unlock()
		if mine {
			e.resize(old)
		}
	}
	return err
}

// SetWorkers is Resize that does not wait.
func (e *Engine) SetWorkers(n int) { e.resize(n) }

// resize has started what is to be there, and told the others to leave, when it returns how many there were, and those others.
func (e *Engine) resize(n int) (old int, leaving []*worker) {
	e.mu.Lock()
	if old = len(e.seats); e.state != open {
		e.mu.Unlock()
		return old, nil
	}
	for i := n; i < old; i++ {
		for _, w := range []*worker{e.workers[i], e.seats[i].heir} {
			if w != nil {
				w.reason = reasonResize
				leaving = append(leaving, w)
				if w.sched.Lease() == nil { // else when it is released
					e.sched.Leave(&w.sched)
				}
			}
		}
		e.sched.Shut(i)
	}
	starts := e.seat(n)
	e.change()
	e.mu.Unlock()
	for _, w := range leaving {
		w.relieve()
	}
	for _, i := range starts {
		go e.start(i)
	}
	e.dispatch() // what the others gave back
	return old, leaving
}
