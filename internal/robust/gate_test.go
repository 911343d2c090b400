package robust

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

// queued waits until so many wait for their turn.
func (g *Gate) queued(n int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.queue) == n
}

func awaitQueue(g *Gate, n int) {
	for !g.queued(n) {
		gosched()
	}
}

// Who waits has its turn in order, and who gives up is left out.
func TestGateOrder(t *testing.T) {
	var g Gate
	if err := g.Enter(context.Background()); err != nil {
		t.Fatal(err)
	}
	const n = 20
	in := make(chan int)
	left := make(chan error)
	var cancels []context.CancelFunc
	for i := range n {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		cancels = append(cancels, cancel)
		go func() {
			if err := g.Enter(ctx); err != nil {
				left <- err
				return
			}
			in <- i
		}()
		awaitQueue(&g, i+1)
	}
	for i := 0; i < n; i += 3 {
		cancels[i]()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	for i := range n {
		if i%3 == 0 {
			continue
		}
		g.Exit()
		if got := <-in; got != i {
			t.Errorf("%d had its turn, not %d", got, i)
		}
	}
	g.Exit()
	if g.shut || len(g.queue) > 0 {
		t.Error("the gate is not open at the end")
	}
}

// Whoever gives up in the moment in which it is let in hands its turn on.
func TestGateCancelledAtItsTurn(t *testing.T) {
	var g Gate
	var inside, entered atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 2000 {
				ctx, cancel := context.WithCancel(context.Background())
				go func() {
					for range rand.IntN(4) {
						gosched()
					}
					cancel()
				}()
				if g.Enter(ctx) == nil {
					if n := inside.Add(1); n != 1 {
						t.Errorf("%d are inside", n)
					}
					entered.Add(1)
					gosched()
					inside.Add(-1)
					g.Exit()
				}
				cancel()
			}
		})
	}
	all.Wait()
	if g.shut || len(g.queue) > 0 {
		t.Error("the gate is not open at the end")
	}
	t.Logf("%d of 16000 got in", entered.Load())
}
