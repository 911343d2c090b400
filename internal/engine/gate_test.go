package engine

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
)

// entering is calls of enter, of which each tells by its number when it is in.
func entering(g *gate, in chan int, sizes ...int64) {
	for i, n := range sizes {
		go func() {
			if g.enter(context.Background(), n, nil) == nil {
				in <- i
			}
		}()
		synctest.Wait() // so that they wait in this order
	}
}

// admitted is who is in since it was last asked, sorted.
func admitted(in chan int) (list []int) {
	synctest.Wait()
	for {
		select {
		case i := <-in:
			list = append(list, i)
		default:
			slices.Sort(list)
			return list
		}
	}
}

// Elements and bytes are bounded; who waits is let in in order, also past a large one that came first.
func TestGate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := &gate{limit: 3, limitB: 100}
		in := make(chan int, 10)
		entering(g, in, 10, 80, 20, 5, 200, 1)
		if got := admitted(in); !slices.Equal(got, []int{0, 1}) {
			t.Errorf("let in were %v: the third has no bytes left, the fourth is behind it", got)
		}
		if g.try(1) {
			t.Error("one that does not wait went past those that do")
		}
		g.leave(80)
		if got := admitted(in); !slices.Equal(got, []int{2, 3}) {
			t.Errorf("then %v", got)
		}
		g.leave(10)
		g.leave(20)
		if got := admitted(in); len(got) != 0 {
			t.Errorf("a large one was let in beside others, or a small one past it: %v", got)
		}
		g.leave(5)
		if got := admitted(in); !slices.Equal(got, []int{4}) {
			t.Errorf("a large one alone: %v", got)
		}
		g.leave(200)
		if got := admitted(in); !slices.Equal(got, []int{5}) {
			t.Errorf("the last: %v", got)
		}
		g.leave(1)
		if g.count != 0 || g.bytes != 0 || len(g.waiters) != 0 {
			t.Errorf("at the end: %+v", g)
		}
	})
}

// Who gives up leaves his place to the next, whom he kept out.
func TestGateGivingUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := &gate{limit: 2, limitB: 100}
		in := make(chan int, 10)
		entering(g, in, 60)
		ctx, cancel := context.WithCancel(context.Background())
		failed := make(chan error, 2)
		go func() { failed <- g.enter(ctx, 80, nil) }()
		synctest.Wait()
		entering(g, in, 30)
		if got := admitted(in); !slices.Equal(got, []int{0}) {
			t.Errorf("let in were %v", got)
		}
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if got := admitted(in); !slices.Equal(got, []int{0}) { // the number of the second call of entering
			t.Errorf("after it %v", got)
		}
		closed := make(chan struct{})
		go func() { failed <- g.enter(context.Background(), 1, closed) }()
		synctest.Wait()
		close(closed)
		if err := <-failed; !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		g.leave(60)
		g.leave(30)
		if g.count != 0 || g.bytes != 0 || len(g.waiters) != 0 {
			t.Errorf("at the end: %+v", g)
		}
	})
}
