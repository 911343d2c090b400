//go:build linux

package manager_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/shared"
)

// A box is one container of each kind.
type box struct {
	List      *manager.List[int]
	Set       *manager.Set[string]
	Other     *manager.Set[string]
	Namespace *manager.Namespace
	Queue     *manager.Queue[string]
	Value     *manager.Value[string]
	Number    *manager.Value[uint16]
	Array     *manager.Array[float64]
	Made      *manager.Dict[string, *manager.Set[string]]
}

// useBox is what Python's tests have a child do.
var useBox = mp.Func("manager_test.useBox", func(ctx context.Context, b box) (err error, _ error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	var wrong []error
	check := func(what string, ok bool) {
		if !ok {
			wrong = append(wrong, errors.New(what))
		}
	}
	// T143
	check("Index", must(b.List.Index(ctx, 3)) == 0 && must(b.List.Count(ctx, 3)) == 1)
	wrong = append(wrong, b.List.Sort(ctx, byNumber), b.List.Reverse(ctx), b.List.Append(ctx, 0))
	check("Copy", slices.Equal(must(b.List.Copy(ctx)), []int{4, 3, 1, 0}))
	check("Pop", must(b.List.Pop(ctx, -1)) == 0 && must(b.List.Len(ctx)) == 3)
	// T141, T142
	_, full := b.Queue.Len(ctx)
	wrong = append(wrong, full)
	for _, want := range []string{"a", "b"} {
		check("Get", must(b.Queue.Get(ctx)) == want)
		wrong = append(wrong, b.Queue.TaskDone(ctx))
	}
	// T145
	both := must(b.Set.Union(ctx, b.Other))
	check("Union", must(both.Len(ctx)) == 3 && must(b.Set.IsSubset(ctx, both)) && !must(b.Set.IsDisjoint(ctx, b.Other)))
	wrong = append(wrong, b.Set.DifferenceWith(ctx, b.Other), b.Made.Set(ctx, "both", both))
	// T150
	var x int
	wrong = append(wrong, b.Namespace.Get(ctx, "x", &x), b.Namespace.Set(ctx, "y", []int{x}), b.Namespace.Delete(ctx, "x"))
	check("Namespace", x == 7)
	// F214
	check("Update", must(b.Value.Update(ctx, louder)) == "hello!")
	check("Add", must(manager.Add(ctx, b.Number, 10)) == 5)
	// T149
	sum := 0.0
	for v, err := range b.Array.All(ctx) {
		wrong, sum = append(wrong, err), sum+v
	}
	check("Array", sum == 10 && must(b.Array.At(ctx, -1)) == 4)
	wrong = append(wrong, b.Array.Set(ctx, 0, -1))
	return errors.Join(wrong...), nil
})

// T141, T142, T143, T145, T149, T150: objects that one process makes are used by another, and what that did is seen here.
func TestContainersInAnotherProcess(t *testing.T) {
	m := start(t)
	b := box{
		List: must(manager.NewList(m, 3, 1, 4)), Set: must(manager.NewSet(m, "a", "b")), Other: must(manager.NewSet(m, "b", "c")),
		Namespace: must(manager.NewNamespace(m)), Queue: must(manager.NewQueue[string](m, shared.QueueConfig{Capacity: 2})),
		Value: must(manager.NewValue(m, "hello")), Number: must(manager.NewValue[uint16](m, 0xfffb)), Array: must(manager.NewArray[float64](m, 4)),
		Made: must(manager.NewDict[string, *manager.Set[string]](m)),
	}
	ok(t, b.Queue.Put(ctx, "a"))
	ok(t, b.Queue.Put(ctx, "b"))
	is(t, "a third item", b.Queue.TryPut(ctx, "c"), shared.ErrFull)
	ok(t, b.Namespace.Set(ctx, "x", 7))
	ok(t, b.Array.SetSlice(ctx, 0, []float64{1, 2, 3, 4}))
	p := must(useBox.Start(ctx, b))
	defer p.Close()
	ok(t, b.Queue.Join(ctx))
	ok(t, must(p.Wait(ctx)))

	if got := must(b.List.Copy(ctx)); !slices.Equal(got, []int{4, 3, 1}) {
		t.Error(got)
	}
	if _, err := b.Queue.TryGet(ctx); !errors.Is(err, shared.ErrEmpty) {
		t.Error(err)
	}
	if got := must(b.Set.Copy(ctx)); !slices.Equal(got, []string{"a"}) {
		t.Error(got)
	}
	if got := must(must(b.Made.Get(ctx, "both")).Copy(ctx)); !slices.Equal(got, []string{"a", "b", "c"}) { // which the child made
		t.Error(got)
	}
	var y []int
	if ok(t, b.Namespace.Get(ctx, "y", &y)); !slices.Equal(y, []int{7}) || !slices.Equal(must(b.Namespace.Names(ctx)), []string{"y"}) {
		t.Error(y)
	}
	if must(b.Value.Load(ctx)) != "hello!" || must(b.Number.Load(ctx)) != 5 || must(b.Array.At(ctx, 0)) != -1 {
		t.Error(must(b.Value.Load(ctx)), must(b.Number.Load(ctx)), must(b.Array.At(ctx, 0)))
	}
}

// A taking says how many items a process has taken.
type taking struct {
	Queue *manager.Queue[int]
	Taken *manager.Value[int]
}

// takeAndHang takes four items, acknowledges the first, waits for more than there is, and never returns.
var takeAndHang = mp.Func("manager_test.takeAndHang", func(ctx context.Context, k taking) (int, error) {
	for i := range 4 {
		d, err := k.Queue.Take(ctx)
		if err == nil && i == 0 {
			err = d.Ack(ctx)
		}
		if err == nil {
			_, err = manager.Add(ctx, k.Taken, 1)
		}
		if err != nil {
			return 0, err
		}
	}
	_, err := k.Queue.Get(ctx)
	return 0, err
})

// W06: what a process had taken that is killed, others get; what it had acknowledged, nobody; and what it waits for goes to others.
func TestDeliveriesOfTheDead(t *testing.T) {
	m := start(t)
	k := taking{must(manager.NewQueue[int](m, shared.QueueConfig{})), must(manager.NewValue(m, 0))}
	for i := range 4 {
		ok(t, k.Queue.Put(ctx, i))
	}
	p := must(takeAndHang.Start(ctx, k))
	defer p.Close()
	eventually(t, "it has all, and waits", func() bool {
		return must(k.Taken.Load(ctx)) == 4 && must(m.Stats(ctx)).Waiting > 0
	})
	ok(t, k.Queue.Close(ctx)) // which leaves to others what may come back; a Get that waits does so still
	_, err := k.Queue.TryGet(ctx)
	is(t, "TryGet", err, shared.ErrEmpty)
	ok(t, p.Kill())
	var got []int
	for item, err := range k.Queue.All(ctx) {
		ok(t, err)
		got = append(got, item)
	}
	if !slices.Equal(got, []int{1, 2, 3}) {
		t.Error(got)
	}
}
