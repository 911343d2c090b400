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
	counters   = 4
	increments = 25_000 // by each of them
	slots      = 10
)

// A tally is a counter that several processes increment. A handle in an argument is the same object in every process.
type tally struct {
	Count *shared.Value[int]
	Lock  *shared.Mutex
	Meet  *shared.Barrier
}

// countLocked reads and writes the counter with the lock held. All begin together, so that they get into each other's way.
var countLocked = mp.Func2("tour.countLocked", func(ctx context.Context, t tally, n int) (int, error) {
	if _, err := t.Meet.Wait(ctx); err != nil {
		return 0, err
	}
	for range n {
		err := t.Lock.Do(ctx, func() error {
			t.Count.Store(t.Count.Load() + 1)
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return n, nil
})

// countAdded needs no lock, for Add is one step.
var countAdded = mp.Func2("tour.countAdded", func(ctx context.Context, t tally, n int) (int, error) {
	if _, err := t.Meet.Wait(ctx); err != nil {
		return 0, err
	}
	for range n {
		shared.Add(t.Count, 1)
	}
	return n, nil
})

// countBlindly does without a lock what can happen without a lock: others read the counter between its own read and write.
// It waits for them, so here it always happens.
var countBlindly = mp.Func2("tour.countBlindly", func(ctx context.Context, t tally, n int) (int, error) {
	for range n {
		count := t.Count.Load()
		if _, err := t.Meet.Wait(ctx); err != nil {
			return 0, err
		}
		t.Count.Store(count + 1)
	}
	return n, nil
})

// fill sets one element of an array.
var fill = mp.Func2("tour.fill", func(_ context.Context, squares *shared.Array[int], slot int) (int, error) {
	squares.Set(slot, slot*slot)
	return slot, nil
})

func lock(ctx context.Context, p *page) error {
	p.say("A Value is memory that all processes see. %d of them, started for it, meet at a Barrier and then increment one, %s times each.\n",
		counters, number(increments))
	if err := count(ctx, p); err != nil {
		return err
	}
	p.say("\nWithout a lock all can read the counter before the first of them writes it: then they write the same.")
	p.say("An Array is many values. %d processes fill one, each its own slot, so that there is nothing to lock:\n", slots)
	if err := fillSlots(ctx, p); err != nil {
		return err
	}
	p.say("\nA process that dies with a lock takes it along in Python, and the others wait for ever. Here one is killed between two writes:\n")
	return inherit(ctx, p)
}

// count lets processes increment a counter in three ways.
func count(ctx context.Context, p *page) error {
	rows := [][]string{{"", "increments", "count", "time"}}
	for _, way := range []struct {
		name  string
		with  *mp.Function[mp.Args2[tally, int], int]
		times int
		want  int
	}{
		{"read and written under a Mutex", countLocked, increments, counters * increments},
		{"shared.Add, which is one step", countAdded, increments, counters * increments},
		{"all read, then all write", countBlindly, 1, 1},
	} {
		start := time.Now()
		got, err := countWith(ctx, way.with, way.times)
		if err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
		if got != way.want {
			return fmt.Errorf("%s: the count is %d, want %d", way.name, got, way.want)
		}
		rows = append(rows, []string{way.name, number(counters * way.times), number(got), ms(time.Since(start))})
	}
	p.table(rows...)
	return nil
}

// countWith runs f in processes with a new counter, and returns what that is in the end.
func countWith(ctx context.Context, f *mp.Function[mp.Args2[tally, int], int], n int) (int, error) {
	count, err := shared.NewValue(0)
	if err != nil {
		return 0, err
	}
	defer free(count)
	mu, err := shared.NewMutex()
	if err != nil {
		return 0, err
	}
	defer free(mu)
	meet, err := shared.NewBarrier(counters)
	if err != nil {
		return 0, err
	}
	defer free(meet)
	args := slices.Repeat([]mp.Args2[tally, int]{mp.Pack2(tally{count, mu, meet}, n)}, counters)
	if _, err := together(ctx, f, args...); err != nil {
		return 0, err
	}
	return count.Load(), nil
}

// fillSlots lets processes fill an array.
func fillSlots(ctx context.Context, p *page) error {
	squares, err := shared.NewArray[int](slots)
	if err != nil {
		return err
	}
	defer free(squares)
	var args []mp.Args2[*shared.Array[int], int]
	for slot := range slots {
		args = append(args, mp.Pack2(squares, slot))
	}
	start := time.Now()
	if _, err := together(ctx, fill, args...); err != nil {
		return err
	}
	took := time.Since(start)
	if err := checkSlots(squares.Slice()); err != nil {
		return err
	}
	p.say("  array     %v", squares.Slice())
	p.say("  time      %s, the start of %d processes included", ms(took), slots)
	return nil
}

// checkSlots says what is wrong with the array that was filled.
func checkSlots(squares []int) error {
	if len(squares) != slots {
		return fmt.Errorf("the array has %d elements, want %d", len(squares), slots)
	}
	for slot, square := range squares {
		if square != slot*slot {
			return fmt.Errorf("slot %d is %d, want %d", slot, square, slot*slot)
		}
	}
	return nil
}
