package manager_test

import (
	"runtime"
	"slices"
	"testing"

	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/shared"
)

// settled waits until the server has so many objects of each kind, the proxies that this process has dropped not counted.
func settled(t *testing.T, m *manager.Manager, want map[string]int) {
	t.Helper()
	var st manager.Stats
	defer func() {
		if t.Failed() {
			t.Logf("%+v", st)
		}
	}()
	eventually(t, "what is left is right", func() bool {
		runtime.GC()
		st = must(m.Stats(ctx))
		objects := 0
		for kind, n := range want {
			if st.ByKind[kind] != n {
				return false
			}
			objects += n
		}
		return st.Objects == objects
	})
}

// canary makes an object that nothing refers to: once it is gone, so is what was dropped before.
func canary(t *testing.T, m *manager.Manager) {
	t.Helper()
	must(manager.NewArray[bool](m, 1))
	eventually(t, "what was dropped is gone", func() bool {
		runtime.GC()
		return must(m.Stats(ctx)).ByKind["Array"] == 0
	})
}

// T086: lists in a list are lists of their own, and what is written through the outer one reaches them.
func TestListsInAList(t *testing.T) {
	m := containerServer(t, 0)
	outer := must(manager.NewList[*manager.List[int]](m))
	for i := range 2 {
		ok(t, outer.Append(ctx, must(manager.NewList(m, i))))
	}
	canary(t, m)
	ok(t, must(outer.At(ctx, 0)).Append(ctx, 7))
	for i, want := range [][]int{{0, 7}, {1}} {
		if got := must(must(outer.At(ctx, i)).Copy(ctx)); !slices.Equal(got, want) {
			t.Errorf("list %d: %v", i, got)
		}
	}
	popped := must(outer.Pop(ctx, 0))
	settled(t, m, map[string]int{"List": 3})
	if got := must(popped.Copy(ctx)); !slices.Equal(got, []int{0, 7}) {
		t.Error(got)
	}
	runtime.KeepAlive(popped)
	settled(t, m, map[string]int{"List": 2})
	runtime.KeepAlive(outer)
	emptied(t, m)
}

// A tree is a list of what refers to lists.
type tree struct {
	Name     string
	Children *manager.List[tree]
}

// T086, F219: a list may contain itself. It goes when it does not any more.
func TestListInItself(t *testing.T) {
	m := containerServer(t, 0)
	l := must(manager.NewList[tree](m))
	ok(t, l.Append(ctx, tree{"it", l}))
	l = must(must(l.At(ctx, 0)).Children.At(ctx, 0)).Children
	canary(t, m)
	if got := must(l.At(ctx, 0)); got.Name != "it" {
		t.Error(got)
	}
	ok(t, l.Clear(ctx))
	emptied(t, m)
}

type record struct {
	Plain []int
	List  *manager.List[*manager.Dict[string, int]]
}

// T089, F219: dicts of lists of dicts. What is changed on one way is seen on all others; an object outlives the proxies and the entries
// that led to it, as long as something does. A plain slice stays one.
func TestDictsOfListsOfDicts(t *testing.T) {
	m := containerServer(t, 0)
	outer := must(manager.NewDict[string, record](m))
	inner := must(manager.NewDict[string, int](m))
	ok(t, inner.Set(ctx, "x", 1))
	for _, key := range []string{"a", "b"} {
		ok(t, outer.Set(ctx, key, record{[]int{1, 2}, must(manager.NewList(m, inner, inner))}))
	}
	ok(t, inner.Set(ctx, "x", 2))
	settled(t, m, map[string]int{"Dict": 2, "List": 2})

	a := must(outer.Get(ctx, "a"))
	a.Plain[0] = 9
	if again := must(outer.Get(ctx, "a")); again.Plain[0] != 1 {
		t.Error("the slice that came is not a copy")
	}
	ok(t, must(a.List.At(ctx, 1)).Set(ctx, "x", 3))
	if x := must(must(must(outer.Get(ctx, "b")).List.At(ctx, 0)).Get(ctx, "x")); x != 3 {
		t.Error(x)
	}
	ok(t, outer.Clear(ctx))
	settled(t, m, map[string]int{"Dict": 2, "List": 1})
	if x := must(must(a.List.Pop(ctx, 0)).Get(ctx, "x")); x != 3 {
		t.Error(x)
	}
	ok(t, outer.Set(ctx, "again", a))
	canary(t, m)
	settled(t, m, map[string]int{"Dict": 2, "List": 1})
	runtime.KeepAlive(outer)
	emptied(t, m)
}

// T090: queues in a list, and in a dict, and queues and values that carry proxies.
func TestQueuesInContainers(t *testing.T) {
	m := containerServer(t, 0)
	type queue = *manager.Queue[*manager.Value[int]]
	l, d := must(manager.NewList[queue](m)), must(manager.NewDict[string, queue](m))
	for range 2 {
		q := must(manager.NewQueue[*manager.Value[int]](m, shared.QueueConfig{}))
		ok(t, l.Append(ctx, q))
		ok(t, d.Set(ctx, "the last", q))
	}
	v := must(manager.NewValue(m, 5))
	ok(t, must(d.Get(ctx, "the last")).Put(ctx, v))
	ok(t, must(l.At(ctx, -1)).Put(ctx, v))
	canary(t, m)
	settled(t, m, map[string]int{"List": 1, "Dict": 1, "Queue": 2, "Value": 1})
	q := must(l.At(ctx, 1))
	taken := must(q.Take(ctx))
	if must(manager.Add(ctx, taken.Value, 1)) != 6 {
		t.Error("the value is another one")
	}
	ok(t, taken.Ack(ctx))
	if got := must(q.Get(ctx)); must(got.Load(ctx)) != 6 {
		t.Error("the value is another one")
	}
	settled(t, m, map[string]int{"List": 1, "Dict": 1, "Queue": 2})
	runtime.KeepAlive(l)
	runtime.KeepAlive(d)
	holder := must(manager.NewValue(m, q))
	settled(t, m, map[string]int{"Queue": 1, "Value": 1})
	ok(t, holder.Store(ctx, nil))
	settled(t, m, map[string]int{"Value": 1})
	runtime.KeepAlive(holder)
	emptied(t, m)
}

// Elements of a set that are proxies keep their objects, also in a set that was made of others.
func TestSetOfProxies(t *testing.T) {
	m := containerServer(t, 0)
	s := must(manager.NewSet(m, must(manager.NewValue(m, 1)), must(manager.NewValue(m, 2))))
	o := must(manager.NewSet(m, must(s.Copy(ctx))[:1]...))
	settled(t, m, map[string]int{"Set": 2, "Value": 2})
	both := must(s.Intersect(ctx, o))
	settled(t, m, map[string]int{"Set": 1, "Value": 1})
	if got := must(both.Pop(ctx)); must(got.Load(ctx)) != 1 {
		t.Error("the value is another one")
	}
	emptied(t, m)
}
