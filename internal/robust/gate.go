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

// A Turn is a place in the order of a gate. It is closed when it has come; nil has come at once.
type Turn chan struct{}

// Enter waits for its turn.
func (g *Gate) Enter(ctx context.Context) error { return g.Await(ctx, g.Line()) }

// Line takes a place in the order, and does not wait. Await or Leave must follow.
func (g *Gate) Line() Turn {
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

// Await waits for a turn. If ctx ends first, its place is given up.
func (g *Gate) Await(ctx context.Context, turn Turn) error {
	if turn == nil {
		return nil
	}
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	g.Leave(turn)
	return ctx.Err()
}

// Leave gives up a place in the order, or the turn, if it has come.
func (g *Gate) Leave(turn Turn) {
	if turn != nil && g.remove(turn) {
		return
	}
	g.Exit()
}

// remove takes a place out of the order, and reports whether it was there still.
func (g *Gate) remove(turn Turn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.queue, turn)
	if i >= 0 {
		g.queue = slices.Delete(g.queue, i, i+1)
	}
	return i >= 0
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
