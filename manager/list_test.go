package manager_test

import (
	"cmp"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
)

var (
	increment = mp.Func("manager_test.increment", func(_ context.Context, x int) (int, error) { return x + 1, nil })
	louder    = mp.Func("manager_test.louder", func(_ context.Context, s string) (string, error) {
		if s == "" {
			return "", errRefused
		}
		return s + "!", nil
	})
	byNumber = mp.Func2("manager_test.byNumber", func(_ context.Context, a, b int) (int, error) { return cmp.Compare(a, b), nil })
)

// T143, F205: what Python's list proxies can.
func TestList(t *testing.T) {
	m := containerServer(t, 0)
	l := must(manager.NewList(m, 3, 1, 4))
	ok(t, l.Append(ctx, 1, 5))
	for what, c := range map[string]struct{ has, want int }{
		"len":      {must(l.Len(ctx)), 5},
		"first":    {must(l.At(ctx, 0)), 3},
		"last":     {must(l.At(ctx, -1)), 5},
		"index":    {must(l.Index(ctx, 1)), 1},
		"count":    {must(l.Count(ctx, 1)), 2},
		"no count": {must(l.Count(ctx, 7)), 0},
	} {
		if c.has != c.want {
			t.Errorf("%s: %d, want %d", what, c.has, c.want)
		}
	}
	same := func(what string, want ...int) {
		t.Helper()
		if got := must(l.Copy(ctx)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	ok(t, l.Sort(ctx, byNumber))
	same("sorted", 1, 1, 3, 4, 5)
	ok(t, l.Reverse(ctx))
	same("reversed", 5, 4, 3, 1, 1)
	if got := must(l.Slice(ctx, 1, 3)); !slices.Equal(got, []int{4, 3}) {
		t.Error(got)
	}
	if must(l.Pop(ctx, -1)) != 1 || must(l.Pop(ctx, 0)) != 5 {
		t.Error("Pop")
	}
	same("popped", 4, 3, 1)
	ok(t, l.Insert(ctx, 1, 9))
	ok(t, l.Set(ctx, -1, 8))
	same("inserted and set", 4, 9, 3, 8)
	if !must(l.Has(ctx, 9)) || must(l.Has(ctx, 10)) {
		t.Error("Has")
	}
	ok(t, l.Remove(ctx, 9))
	is(t, "Remove of what is not there", l.Remove(ctx, 9), manager.ErrNotFound)
	_, err := l.Index(ctx, 9)
	is(t, "Index of what is not there", err, manager.ErrNotFound)
	same("removed", 4, 3, 8)
	if !must(l.CompareAndSwap(ctx, 0, 4, 5)) || must(l.CompareAndSwap(ctx, 0, 4, 6)) {
		t.Error("CompareAndSwap")
	}
	if must(l.Compute(ctx, -1, increment)) != 9 {
		t.Error("Compute")
	}
	same("swapped and computed", 5, 3, 9)
	ok(t, l.Delete(ctx, 1, math.MaxInt))
	same("deleted", 5)
	ok(t, l.Clear(ctx))
	same("cleared")
	emptied(t, m)
}

// Indexes that point at nothing are ErrNotFound, and those of Slice, Delete and Insert are clamped.
func TestListIndexes(t *testing.T) {
	l := must(manager.NewList(containerServer(t, 0), 0, 1, 2))
	for _, i := range []int{3, -4, math.MaxInt, math.MinInt} {
		_, err := l.At(ctx, i)
		is(t, "At", err, manager.ErrNotFound)
		is(t, "Set", l.Set(ctx, i, 9), manager.ErrNotFound)
		_, err = l.Pop(ctx, i)
		is(t, "Pop", err, manager.ErrNotFound)
		_, err = l.CompareAndSwap(ctx, i, 0, 9)
		is(t, "CompareAndSwap", err, manager.ErrNotFound)
		_, err = l.Compute(ctx, i, increment)
		is(t, "Compute", err, manager.ErrNotFound)
	}
	for _, c := range []struct {
		from, to int
		want     []int
	}{
		{0, 3, []int{0, 1, 2}}, {-2, math.MaxInt, []int{1, 2}}, {math.MinInt, -1, []int{0, 1}}, {2, 1, nil}, {5, 9, nil}, {-1, -3, nil},
	} {
		if got := must(l.Slice(ctx, c.from, c.to)); !slices.Equal(got, c.want) {
			t.Errorf("from %d to %d: %v", c.from, c.to, got)
		}
	}
	ok(t, l.Insert(ctx, 100, 3))
	ok(t, l.Insert(ctx, -100, -1))
	ok(t, l.Insert(ctx, -1, 7))
	ok(t, l.Delete(ctx, 2, 1))
	if got := must(l.Copy(ctx)); !slices.Equal(got, []int{-1, 0, 1, 2, 7, 3}) {
		t.Error(got)
	}
	var zero manager.List[int]
	if _, err := zero.Len(ctx); err == nil {
		t.Error("a zero List has a length")
	}
	if _, err := manager.NewList[chan int](nil); err == nil {
		t.Error("a List of channels")
	}
}

// A list does what a slice does, whatever is done to it, and one that meets the limit stays as it was.
func TestListAgainstASlice(t *testing.T) {
	m := containerServer(t, 5000)
	l := must(manager.NewList[string](m))
	rng := random(t)
	var model []string
	for n := range steps() {
		model = listStep(t, rng, l, model)
		if n%100 > 0 {
			continue
		}
		if got := must(l.Copy(ctx)); !slices.Equal(got, model) {
			t.Fatalf("after %d steps: %q, want %q", n, got, model)
		}
		var bytes int64
		for _, s := range model {
			bytes += valueCost(s) + 64
		}
		if st := must(m.Stats(ctx)); st.Bytes != bytes {
			t.Fatalf("after %d steps: %d bytes, want %d", n, st.Bytes, bytes)
		}
	}
	emptied(t, m)
}

// listStep does something to a list and its model.
func listStep(t *testing.T, rng *rand.Rand, l *manager.List[string], model []string) []string {
	t.Helper()
	w, i := word(rng), rng.IntN(len(model)+6)
	at, want := i, error(nil)
	if i >= len(model) {
		want = manager.ErrNotFound
	}
	if rng.IntN(2) == 0 {
		at -= len(model) // or below
		if i = at + len(model); at >= 0 {
			i = at
		}
		if want = nil; i >= len(model) {
			want = manager.ErrNotFound
		}
	}
	switch rng.IntN(13) {
	case 0, 1:
		words := []string{w, word(rng), word(rng)}[:rng.IntN(4)]
		if !limited(t, "Append", l.Append(ctx, words...), nil) {
			model = append(model, words...)
		}
	case 2:
		got, err := l.At(ctx, at)
		is(t, "At", err, want)
		if err == nil && got != model[i] {
			t.Fatalf("At(%d) is %q, want %q", at, got, model[i])
		}
	case 3:
		if !limited(t, "Set", l.Set(ctx, at, w), want) && want == nil {
			model[i] = w
		}
	case 4, 5:
		if !limited(t, "Insert", l.Insert(ctx, at, w), nil) {
			model = slices.Insert(model, min(i, len(model)), w)
		}
	case 6:
		got, err := l.Pop(ctx, at)
		is(t, "Pop", err, want)
		if err == nil {
			if got != model[i] {
				t.Fatalf("Pop(%d) is %q, want %q", at, got, model[i])
			}
			model = slices.Delete(model, i, i+1)
		}
	case 7:
		i = slices.Index(model, w)
		if want = nil; i < 0 {
			want = manager.ErrNotFound
		}
		is(t, "Remove", l.Remove(ctx, w), want)
		if i >= 0 {
			model = slices.Delete(model, i, i+1)
		}
	case 8:
		found, err := l.Index(ctx, w)
		if i = slices.Index(model, w); (err == nil) != (i >= 0) || err == nil && i != found {
			t.Fatalf("Index is %d, %v, want %d", found, err, i)
		}
	case 9:
		ok(t, l.Reverse(ctx))
		slices.Reverse(model)
	case 10:
		swapped, err := l.CompareAndSwap(ctx, at, "aaa", w)
		if !limited(t, "CompareAndSwap", err, want) && want == nil {
			if swapped != (model[i] == "aaa") {
				t.Fatalf("CompareAndSwap is %t of %q", swapped, model[i])
			}
			if swapped {
				model[i] = w
			}
		}
	case 11:
		if want == nil && model[i] == "" {
			want = errRefused
		}
		got, err := l.Compute(ctx, at, louder)
		if !limited(t, "Compute", err, want) && want == nil {
			if model[i] += "!"; got != model[i] {
				t.Fatalf("Compute is %q, want %q", got, model[i])
			}
		}
	case 12:
		to := min(i+rng.IntN(3), len(model))
		from := min(i, to)
		ok(t, l.Delete(ctx, from, to))
		model = slices.Delete(model, from, to)
	}
	return model
}

// A list is a queue, too, and gives back memory: what is removed at the front is no longer in the way.
func TestListAsAQueue(t *testing.T) {
	m := containerServer(t, 0)
	l := must(manager.NewList[int](m))
	const n = 20_000
	for i := range n {
		ok(t, l.Append(ctx, i))
	}
	for i := range n {
		if got := must(l.Pop(ctx, 0)); got != i {
			t.Fatal(got)
		}
		if i%3 == 0 {
			ok(t, l.Append(ctx, n+i/3))
		}
	}
	emptied(t, m)
}

func TestListComputeLosesNoUpdate(t *testing.T) {
	l := must(manager.NewList(containerServer(t, 0), 0))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				must(l.Compute(ctx, 0, increment))
				for n := must(l.At(ctx, 0)); !must(l.CompareAndSwap(ctx, 0, n, n+1)); {
					n = must(l.At(ctx, 0))
				}
			}
		})
	}
	group.Wait()
	if n := must(l.At(ctx, 0)); n != 1600 {
		t.Error(n)
	}
}

// T085, W34: a loop sees each element once, and can be made again. What is changed meanwhile it does not see: it is a snapshot.
func TestListIterates(t *testing.T) {
	l := must(manager.NewList(containerServer(t, 0), 1, 2, 3))
	all := l.All(ctx)
	for range 2 {
		sum := 0
		for x, err := range all {
			ok(t, err)
			sum += x
			ok(t, l.Append(ctx, 0))
		}
		if sum != 6 {
			t.Error(sum)
		}
	}
	if n := must(l.Len(ctx)); n != 12 {
		t.Error(n)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	for _, err := range l.All(stopped) {
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}
