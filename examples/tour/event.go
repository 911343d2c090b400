package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

const (
	waiters = 3
	secret  = 42
)

// A gate is what processes wait for, and what they may look at then.
type gate struct {
	Ready  *shared.Queue[int]
	Go     *shared.Event
	Secret *shared.Value[int]
}

// await says that it is there, waits at the gate, and returns what it sees then.
var await = mp.Func("tour.await", func(ctx context.Context, g gate) (int, error) {
	if err := g.Ready.Put(ctx, mp.Current().PID); err != nil {
		return 0, err
	}
	if err := g.Go.Wait(ctx); err != nil {
		return 0, err
	}
	return g.Secret.Load(), nil
})

func event(ctx context.Context, p *page) error {
	p.say("An Event is set or not, and can be waited for. %d processes say that they are there, and wait for one. Then a secret is", waiters)
	p.say("written down, and the event set: none of them may go on before, and all must after.\n")
	g, err := newGate()
	if err != nil {
		return err
	}
	defer g.free()
	waiting, err := startAll(ctx, await, slices.Repeat([]gate{g}, waiters)...)
	if err != nil {
		return err
	}
	defer waiting.close()

	for range waiters {
		pid, err := g.Ready.Get(ctx)
		if err != nil {
			return err
		}
		p.say("  waits     process %d", pid)
	}
	for _, w := range waiting {
		if !w.Alive() {
			return fmt.Errorf("%s did not wait", w.Name())
		}
	}
	g.Secret.Store(secret)
	start := time.Now()
	if err := g.Go.Set(); err != nil {
		return err
	}
	p.say("  set       one call for all of them")
	seen, err := waiting.wait(ctx)
	if err != nil {
		return err
	}
	took := time.Since(start)
	if err := checkSeen(seen); err != nil {
		return err
	}
	p.say("  seen      %v", seen)
	p.say("\nWhat was written before Set is seen after Wait, as with locks. %s after Set all had ended.", ms(took))
	return nil
}

// checkSeen says what is wrong with what the processes saw after they had waited.
func checkSeen(seen []int) error {
	if len(seen) != waiters {
		return fmt.Errorf("%d processes went on, want %d", len(seen), waiters)
	}
	for i, value := range seen {
		if value != secret {
			return fmt.Errorf("process %d went on and saw %d, want %d", i, value, secret)
		}
	}
	return nil
}

func newGate() (gate, error) {
	ready, err := shared.NewQueue[int](shared.QueueConfig{})
	if err != nil {
		return gate{}, err
	}
	set, err := shared.NewEvent()
	if err != nil {
		return gate{}, err
	}
	value, err := shared.NewValue(0)
	return gate{ready, set, value}, err
}

func (g gate) free() {
	free(g.Ready)
	free(g.Go)
	free(g.Secret)
}
