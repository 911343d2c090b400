package manager_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
)

var addTo = mp.Func2("manager_test.addTo", func(_ context.Context, v, x int) (int, error) { return v + x, nil })

func inProcess(t *testing.T) *manager.Manager {
	t.Helper()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return m
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// T087: what is set can be got, in the order in which the keys came, and copied out.
func TestDict(t *testing.T) {
	d := must(manager.NewDict[string, int](inProcess(t)))
	if _, err := d.Get(ctx, "a"); !errors.Is(err, manager.ErrNotFound) {
		t.Fatal(err)
	}
	for i, k := range []string{"c", "a", "b"} {
		if err := d.Set(ctx, k, i); err != nil {
			t.Fatal(err)
		}
	}
	if v := must(d.Get(ctx, "a")); v != 1 {
		t.Error(v)
	}
	if keys := must(d.Keys(ctx)); !slices.Equal(keys, []string{"c", "a", "b"}) {
		t.Error(keys)
	}
	if m := must(d.Copy(ctx)); !maps.Equal(m, map[string]int{"c": 0, "a": 1, "b": 2}) {
		t.Error(m)
	}
	if v := must(d.Pop(ctx, "c")); v != 0 {
		t.Error(v)
	}
	if n := must(d.Len(ctx)); n != 2 {
		t.Error(n)
	}
}

// W34: of many that change a value at once none is lost.
func TestComputeLosesNoUpdate(t *testing.T) {
	d := must(manager.NewDict[string, int](inProcess(t)))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				must(manager.ComputeWith(ctx, d, "n", addTo, 1))
			}
		})
	}
	group.Wait()
	if n := must(d.Get(ctx, "n")); n != 800 {
		t.Error(n)
	}
}

func BenchmarkGet(b *testing.B) {
	m := must(manager.InProcess(manager.Config{}))
	defer m.Stop(ctx)
	d := must(manager.NewDict[string, int](m))
	_ = d.Set(ctx, "a", 1)
	b.ReportAllocs()
	for b.Loop() {
		must(d.Get(ctx, "a"))
	}
}
