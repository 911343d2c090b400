package manager_test

import (
	"math"
	"slices"
	"testing"

	"github.com/go-multiproc/mp/manager"
)

type point struct {
	X, Y float32
	Set  bool
}

// T149, F215
func TestArray(t *testing.T) {
	m := containerServer(t, 0)
	a := must(manager.NewArray[point](m, 4))
	ok(t, a.Set(ctx, -1, point{1, 2, true}))
	ok(t, a.SetSlice(ctx, 1, []point{{3, 4, false}, {5, 6, true}}))
	want := []point{{}, {3, 4, false}, {5, 6, true}, {1, 2, true}}
	if got := must(a.Slice(ctx, 0, math.MaxInt)); !slices.Equal(got, want) {
		t.Error(got)
	}
	if got := must(a.Slice(ctx, -3, -1)); !slices.Equal(got, want[1:3]) {
		t.Error(got)
	}
	if must(a.At(ctx, 3)) != want[3] || must(a.At(ctx, -2)) != want[2] || must(a.Len(ctx)) != 4 {
		t.Error("At, Len")
	}
	i := 0
	for p, err := range a.All(ctx) {
		if ok(t, err); p != want[i] {
			t.Error(i, p)
		}
		i++
	}
	for _, i := range []int{4, -5, math.MaxInt, math.MinInt} {
		_, err := a.At(ctx, i)
		is(t, "At", err, manager.ErrNotFound)
		is(t, "Set", a.Set(ctx, i, point{}), manager.ErrNotFound)
		is(t, "SetSlice", a.SetSlice(ctx, i, want[:1]), manager.ErrNotFound)
	}
	is(t, "SetSlice beyond the end", a.SetSlice(ctx, -1, want[:2]), manager.ErrNotFound)
	ok(t, a.SetSlice(ctx, 4, nil))
	if got := must(a.Slice(ctx, 0, 4)); i != 4 || !slices.Equal(got, want) {
		t.Error(i, got)
	}
	emptied(t, m)
}

func TestArrayRefused(t *testing.T) {
	m := containerServer(t, 1000)
	if _, err := manager.NewArray[string](m, 1); err == nil {
		t.Error("an Array of strings")
	}
	if _, err := manager.NewArray[struct{}](m, 1); err == nil {
		t.Error("an Array of nothing")
	}
	if _, err := manager.NewArray[int](m, -1); err == nil {
		t.Error("an Array of less than nothing")
	}
	for _, n := range []int{200, 1 << 40, math.MaxInt} {
		_, err := manager.NewArray[int](m, n)
		is(t, "one that is too large", err, manager.ErrLimit)
	}
	emptied(t, m)
}

// An array does what a slice does.
func TestArrayAgainstASlice(t *testing.T) {
	m := containerServer(t, 0)
	rng := random(t)
	model := make([]uint16, 300)
	a := must(manager.NewArray[uint16](m, len(model)))
	for n := range steps() {
		from := rng.IntN(len(model))
		to := from + rng.IntN(len(model)-from)
		switch rng.IntN(4) {
		case 0:
			ok(t, a.Set(ctx, from-len(model), uint16(n)))
			model[from] = uint16(n)
		case 1:
			if got := must(a.At(ctx, from)); got != model[from] {
				t.Fatalf("At(%d) is %d, want %d", from, got, model[from])
			}
		case 2:
			for i := from; i < to; i++ {
				model[i] = uint16(rng.Uint32())
			}
			ok(t, a.SetSlice(ctx, from, model[from:to]))
		case 3:
			if got := must(a.Slice(ctx, from, to)); !slices.Equal(got, model[from:to]) {
				t.Fatalf("from %d to %d it is %d, want %d", from, to, got, model[from:to])
			}
		}
	}
	emptied(t, m)
}
