package manager_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-multiproc/mp/manager"
)

// T091, T150, F207: names that have values of any types.
func TestNamespace(t *testing.T) {
	m := containerServer(t, 0)
	n := must(manager.NewNamespace(m))
	type job struct {
		Name string
		Tags []string
	}
	ok(t, n.Set(ctx, "number", 7))
	ok(t, n.Set(ctx, "job", job{"x", []string{"a", "b"}}))
	ok(t, n.Set(ctx, "", 1.5))
	var number int
	var j job
	var float float64
	ok(t, n.Get(ctx, "number", &number))
	ok(t, n.Get(ctx, "job", &j))
	ok(t, n.Get(ctx, "", &float))
	if number != 7 || j.Name != "x" || !slices.Equal(j.Tags, []string{"a", "b"}) || float != 1.5 {
		t.Error(number, j, float)
	}
	if names := must(n.Names(ctx)); !slices.Equal(names, []string{"", "job", "number"}) {
		t.Error(names)
	}
	ok(t, n.Set(ctx, "number", "seven"))
	err := n.Get(ctx, "number", &number)
	if err == nil || !strings.Contains(err.Error(), `"number" has a string, and no int`) || number != 7 {
		t.Error(err, number)
	}
	ok(t, n.Delete(ctx, "number"))
	is(t, "Get of nothing", n.Get(ctx, "number", &number), manager.ErrNotFound)
	is(t, "Delete of nothing", n.Delete(ctx, "number"), manager.ErrNotFound)
	if must(n.Has(ctx, "number")) || !must(n.Has(ctx, "job")) {
		t.Error("Has")
	}
	for what, err := range map[string]error{
		"nil": n.Set(ctx, "x", nil), "a channel": n.Set(ctx, "x", make(chan int)), "into no pointer": n.Get(ctx, "job", j), "into nil": n.Get(ctx, "job", nil),
	} {
		if err == nil {
			t.Error(what)
		}
	}
	inner := must(manager.NewList(m, 1, 2))
	ok(t, n.Set(ctx, "list", inner))
	var again *manager.List[int]
	ok(t, n.Get(ctx, "list", &again))
	if must(again.Len(ctx)) != 2 {
		t.Error("the list is another one")
	}
	emptied(t, m)
}
