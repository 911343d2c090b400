package manager_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/shared"
)

type player struct {
	Name  string
	Score int
}

var byScore = mp.Func2("example.byScore", func(_ context.Context, a, b player) (int, error) { return cmp.Compare(b.Score, a.Score), nil })

// A list is sorted where it is: by a function that the server's program has, too.
func ExampleList() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{}) // or Start: a process of its own
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	players, err := manager.NewList(m, player{"ada", 3}, player{"bob", 9})
	if err == nil {
		err = errors.Join(players.Append(ctx, player{"eve", 5}), players.Sort(ctx, byScore))
	}
	last, popErr := players.Pop(ctx, -1)
	fmt.Println(last, errors.Join(err, popErr))
	for p, err := range players.All(ctx) {
		fmt.Println(p, err)
	}
	// Output:
	// {ada 3} <nil>
	// {bob 9} <nil>
	// {eve 5} <nil>
}

// What is made of two sets is made in the server. Only what is asked for travels.
func ExampleSet() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	all, err := manager.NewSet(m, "a.txt", "b.txt", "c.txt")
	if err != nil {
		fmt.Println(err)
		return
	}
	done, err := manager.NewSet(m, "b.txt")
	if err != nil {
		fmt.Println(err)
		return
	}
	left, err := all.Difference(ctx, done)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(left.Copy(ctx))
	fmt.Println(left.IsDisjoint(ctx, done))
	// Output:
	// [a.txt c.txt] <nil>
	// true <nil>
}

// The values of a namespace are of any types. Who gets one says of which.
func ExampleNamespace() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	settings, err := manager.NewNamespace(m)
	if err == nil {
		err = errors.Join(settings.Set(ctx, "workers", 4), settings.Set(ctx, "hosts", []string{"x", "y"}))
	}
	var hosts []string
	fmt.Println(settings.Get(ctx, "hosts", &hosts), hosts, err)
	fmt.Println(settings.Get(ctx, "workers", &hosts))
	fmt.Println(settings.Names(ctx))
	// Output:
	// <nil> [x y] <nil>
	// mp/manager: "workers" is of type int, not []string
	// [hosts workers] <nil>
}

// An item that was taken and not acknowledged comes back when it is returned, or its taker's process ends.
func ExampleQueue() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	jobs, err := manager.NewQueue[string](m, shared.QueueConfig{Capacity: 10})
	if err == nil {
		err = errors.Join(jobs.Put(ctx, "first"), jobs.Put(ctx, "second"), jobs.Close(ctx))
	}
	fmt.Println(err)
	failed := false
	for d, err := range jobs.Deliveries(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if !failed {
			failed = true
			fmt.Println("again:", d.Value, d.Return(ctx))
			continue
		}
		fmt.Println("done:", d.Value, d.Ack(ctx))
	}
	// Output:
	// <nil>
	// again: first <nil>
	// done: first <nil>
	// done: second <nil>
}

func ExampleAdd() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	hits, err := manager.NewValue(m, 40)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(manager.Add(ctx, hits, 2))
	// Output: 42 <nil>
}

func ExampleArray() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	a, err := manager.NewArray[float64](m, 5)
	if err == nil {
		err = errors.Join(a.SetSlice(ctx, 1, []float64{1, 2, 3}), a.Set(ctx, -1, 9))
	}
	fmt.Println(err)
	fmt.Println(a.Slice(ctx, 2, 100))
	// Output:
	// <nil>
	// [2 3 9] <nil>
}
