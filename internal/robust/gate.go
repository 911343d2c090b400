package robust

import (
	"context"
	"slices"
	"sync"
)

// A Gate lets one goroutine at a time wait for something that other processes have, in order: the rest of them cost a channel
// each. The zero value is open.
type Gate struct {
	mu    sync.Mutex
	shut  bool
	queue []Turn
}

// A Turn is a place in a gate's queue; nil is that of who is in already.
type Turn chan struct{}

// Enter waits for its turn.
func (g *Gate) Enter(ctx context.Context) error { return g.Wait(ctx, g.Join()) }

// Join takes the place behind all who have joined. Wait must follow.
func (g *Gate) Join() Turn {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut {
		g.shut = true
		return nil
	}
	turn := make(Turn)
	g.queue = append(g.queue, turn)
	return turn
}

// Wait waits until the gate lets this turn in. Once it has, Exit must follow; when ctx ends first, the place is given up.
func (g *Gate) Wait(ctx context.Context, turn Turn) error {
	if turn == nil {
		return nil
	}
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	if i := slices.Index(g.queue, turn); i >= 0 {
		g.queue = slices.Delete(g.queue, i, i+1)
		g.mu.Unlock()
		return ctx.Err()
	}
	g.mu.Unlock()
	g.Exit() // both happened: somebody else has the turn
	return ctx.Err()
}

// Exit lets the next one in.
func (g *Gate) Exit() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.queue) == 0 {
		g.shut = false
		return
	}
	close(g.queue[0])
	g.queue = g.queue[1:]
}
