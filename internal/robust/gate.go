package robust

import (
	"context"
	"sync"
)

// A Gate lets one goroutine at a time wait for something that other processes have, in order: the rest of them cost a channel
// each. The zero value is open.
type Gate struct {
	mu    sync.Mutex
	shut  bool
	queue []chan struct{}
}

// Enter waits for its turn.
func (g *Gate) Enter(ctx context.Context) error {
	g.mu.Lock()
	if !g.shut {
		g.shut = true
		g.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	g.queue = append(g.queue, turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	for i, c := range g.queue {
		if c == turn {
			g.queue = append(g.queue[:i], g.queue[i+1:]...)
			g.mu.Unlock()
			return ctx.Err()
		}
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
