package engine

import (
	"context"
	"sync"
)

// A gate bounds what was accepted and is not finished: in elements and in bytes. Who waits is let in in order.
type gate struct {
	mu            sync.Mutex
	count, bytes  int64
	limit, limitB int64
	waiters       []*waiter
}

type waiter struct {
	bytes int64
	ready chan struct{}
	in    bool
}

// fits reports whether one more of so many bytes may enter; one that is larger than the limit enters alone.
func (g *gate) fits(bytes int64) bool {
	return g.count < g.limit && (g.bytes+bytes <= g.limitB || g.count == 0)
}

// try enters at once or not at all.
func (g *gate) try(bytes int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiters) > 0 || !g.fits(bytes) {
		return false
	}
	g.count++
	g.bytes += bytes
	return true
}

// enter waits for room.
func (g *gate) enter(ctx context.Context, bytes int64, closed <-chan struct{}) error {
	if g.try(bytes) {
		return nil
	}
	w := &waiter{bytes: bytes, ready: make(chan struct{})}
	g.mu.Lock()
	g.waiters = append(g.waiters, w)
	g.admit()
	g.mu.Unlock()
	var err error
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-closed:
		err = ErrClosed
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.in { // both happened: it holds a place that nobody will use
		g.count--
		g.bytes -= bytes
	} else {
		for i, x := range g.waiters {
			if x == w {
				g.waiters = append(g.waiters[:i], g.waiters[i+1:]...)
				break
			}
		}
	}
	g.admit() // a large one at the front may have kept smaller ones out
	return err
}

// leave gives a place back.
func (g *gate) leave(bytes int64) {
	g.mu.Lock()
	g.count--
	g.bytes -= bytes
	g.admit()
	g.mu.Unlock()
}

func (g *gate) admit() {
	for len(g.waiters) > 0 && g.fits(g.waiters[0].bytes) {
		w := g.waiters[0]
		g.waiters = g.waiters[1:]
		g.count++
		g.bytes += w.bytes
		w.in = true
		close(w.ready)
	}
}
