package shared_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

type counter = shared.Value[int]

// luggage is handles in everything that they can travel in.
type luggage struct {
	Mutex  *shared.Mutex
	Inline shared.Value[int]
	Slice  []*counter
	Array  [2]*counter
	Map    map[string]*counter
	Deep   map[int][]struct{ Inner **counter }
	Nil    *counter
	Queue  *shared.Queue[*counter]
	Levels int
}

func stow(c *counter) luggage {
	return luggage{
		Slice: []*counter{c, nil, c}, Array: [2]*counter{c, c}, Map: map[string]*counter{"a": c, "b": c},
		Deep: map[int][]struct{ Inner **counter }{7: {{&c}, {&c}}}, Inline: *c,
	}
}

// additions is how often unstow adds 1.
const additions = 2 + 2 + 2 + 2 + 1

func unstow(l *luggage) error {
	if l.Nil != nil || l.Slice[1] != nil {
		return fmt.Errorf("nothing became something: %v, %v", l.Nil, l.Slice)
	}
	counters := []*counter{l.Slice[0], l.Slice[2], l.Array[0], l.Array[1], l.Map["a"], l.Map["b"], &l.Inline}
	for _, d := range l.Deep[7] {
		counters = append(counters, *d.Inner)
	}
	for _, c := range counters {
		shared.Add(c, 1)
	}
	return nil
}

// travel unpacks, sends what it has to a process of its own, so many levels down, and returns it all.
var travel *mp.Function[luggage, luggage]

// pickUp takes counters from a queue, and adds to them.
var pickUp = mp.Func("pickUp", func(ctx context.Context, q *shared.Queue[*counter]) (n int, err error) {
	for c, err := range q.All(ctx) {
		if err != nil {
			return n, err
		}
		shared.Add(c, 1)
		n++
	}
	return n, nil
})

func init() { // its body uses it
	travel = mp.Func("travel", func(ctx context.Context, l luggage) (luggage, error) {
		if err := unstow(&l); err != nil {
			return l, err
		}
		if l.Levels == 0 {
			return l, nil
		}
		l.Levels--
		p, err := travel.Start(ctx, l)
		if err != nil {
			return l, err
		}
		return p.Wait(ctx)
	})
}

// Handles travel in arguments and results, in whatever holds them, to processes started before and after, and to what these start.
func TestHandlesTravel(t *testing.T) {
	noLeaks(t)
	before := newPool(t, 1)
	if _, err := travel.Call(ctx, before, stow(fresh(shared.NewValue(0))(t))); err != nil {
		t.Fatal(err)
	}
	c := fresh(shared.NewValue(0))(t)
	after := newPool(t, 1)
	want := 0
	for _, x := range []mp.Executor{before, after} {
		l := stow(c)
		l.Levels = 2
		back, err := travel.Call(ctx, x, l)
		ok(t, err)
		ok(t, unstow(&back))
		want += 4 * additions
	}
	if got := c.Load(); got != want {
		t.Errorf("%d additions, not %d", got, want)
	}
}

// Through a queue, to a process that was there first and one that comes later.
func TestHandlesTravelThroughQueues(t *testing.T) {
	noLeaks(t)
	q := fresh(shared.NewQueue[*counter](shared.QueueConfig{}))(t)
	first := start(t, pickUp, q)
	c := fresh(shared.NewValue(0))(t)
	const items = 500
	second := start(t, pickUp, q)
	for range items {
		ok(t, q.Put(ctx, c))
	}
	ok(t, q.Close())
	if n := resultOf(t, first) + resultOf(t, second); n != items || c.Load() != items {
		t.Errorf("%d were picked up, %d additions", n, c.Load())
	}
}

// What one child made, its sibling uses, when its maker is gone.
func TestHandlesTravelBetweenSiblings(t *testing.T) {
	noLeaks(t)
	p := start(t, makeAndLeave, 100)
	a := resultOf(t, p)
	<-p.Done()
	sum := start(t, last, a)
	if n := resultOf(t, sum); n != 100 {
		t.Error(n)
	}
	ok(t, a.Free())
}

var last = mp.Func("last", func(_ context.Context, a *shared.Array[int]) (int, error) { return a.At(a.Len() - 1), nil })
