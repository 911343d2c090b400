package manager_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/shared"
)

// A negative index counts from the end, as in Python.
func ExampleList_Insert() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{}) // or Start: a process of its own
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	stops, err := manager.NewList(m, "Oslo", "Rome", "Oslo")
	if err == nil {
		err = errors.Join(stops.Insert(ctx, 1, "Bern"), stops.Remove(ctx, "Oslo"), stops.Reverse(ctx))
	}
	fmt.Println(err)
	fmt.Println(stops.Copy(ctx))
	fmt.Println(stops.At(ctx, -1))
	fmt.Println(stops.Index(ctx, "Rome"))
	fmt.Println(stops.Count(ctx, "Paris"))
	fmt.Println(stops.Has(ctx, "Oslo"))
	fmt.Println(stops.Delete(ctx, 0, 2)) // the first two
	fmt.Println(stops.Len(ctx))
	fmt.Println(stops.Clear(ctx))
	// Output:
	// <nil>
	// [Oslo Rome Bern] <nil>
	// Bern <nil>
	// 1 <nil>
	// 0 <nil>
	// true <nil>
	// <nil>
	// 1 <nil>
	// <nil>
}

// Numbers of which only those that are asked for travel.
func ExampleArray_At() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	samples, err := manager.NewArray[uint16](m, 1000)
	if err == nil {
		err = samples.Set(ctx, 999, 42)
	}
	fmt.Println(err)
	fmt.Println(samples.At(ctx, -1))
	_, err = samples.At(ctx, 1000)
	fmt.Println(errors.Is(err, manager.ErrNotFound))
	fmt.Println(samples.Len(ctx))
	// Output:
	// <nil>
	// 42 <nil>
	// true
	// 1000 <nil>
}

// Each item is done at least once: one whose worker dies, or gives it back, is somebody else's.
func ExampleDelivery() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	letters, err := manager.NewQueue[string](m, shared.QueueConfig{Capacity: 1})
	if err == nil {
		err = letters.Put(ctx, "to Ada")
	}
	fmt.Println(err, errors.Is(letters.TryPut(ctx, "to Alan"), shared.ErrFull))
	letter, err := letters.Take(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	left, err := letters.Len(ctx)
	fmt.Println(letter.Value, "is on its way,", left, "are left", err)
	fmt.Println(letter.Return(ctx)) // the house was not found
	again, err := letters.TryTake(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(again.Value, again.Ack(ctx), letters.TaskDone(ctx), letters.Join(ctx))
	_, err = letters.TryGet(ctx)
	fmt.Println(errors.Is(err, shared.ErrEmpty))
	// Output:
	// <nil> true
	// to Ada is on its way, 0 are left <nil>
	// <nil>
	// to Ada <nil> <nil> <nil>
	// true
}
