package manager_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/go-multiproc/mp/manager"
)

// T145, T146, T147, F206: what Python's set proxies can.
func TestSet(t *testing.T) {
	m := containerServer(t, 0)
	s := must(manager.NewSet(m, "a", "b", "a"))
	o := must(manager.NewSet(m, "b", "c"))
	ok(t, s.Add(ctx, "d", "b"))
	same := func(what string, s *manager.Set[string], want ...string) {
		t.Helper()
		if got := must(s.Copy(ctx)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	same("it", s, "a", "b", "d")
	same("union", must(s.Union(ctx, o)), "a", "b", "d", "c")
	same("intersection", must(s.Intersect(ctx, o)), "b")
	same("difference", must(s.Difference(ctx, o)), "a", "d")
	same("symmetric difference", must(s.SymmetricDifference(ctx, o)), "a", "d", "c")
	same("union with itself", must(s.Union(ctx, s)), "a", "b", "d")
	is(t, "Remove of what is not there", s.Remove(ctx, "x"), manager.ErrNotFound)
	ok(t, s.Remove(ctx, "b"))
	ok(t, s.Discard(ctx, "x", "a"))
	same("removed", s, "d")
	if must(s.Pop(ctx)) != "d" || must(s.Len(ctx)) != 0 {
		t.Error("Pop")
	}
	_, err := s.Pop(ctx)
	is(t, "Pop of nothing", err, manager.ErrNotFound)
	ok(t, s.Update(ctx, o))
	ok(t, s.Add(ctx, "e"))
	same("updated", s, "b", "c", "e")
	ok(t, s.DifferenceWith(ctx, must(manager.NewSet(m, "c", "x"))))
	same("without", s, "b", "e")
	ok(t, s.SymmetricDifferenceWith(ctx, o))
	same("of one only", s, "e", "c")
	ok(t, s.IntersectWith(ctx, o))
	same("of both", s, "c")
	ok(t, s.SymmetricDifferenceWith(ctx, s))
	same("of one and not of it", s)
	ok(t, o.Clear(ctx))
	emptied(t, m)
}

// T145, T147: subsets, supersets, sets that have nothing in common, and equal ones.
func TestSetComparisons(t *testing.T) {
	m := containerServer(t, 0)
	empty, ab, abc, d := must(manager.NewSet[string](m)), must(manager.NewSet(m, "a", "b")), must(manager.NewSet(m, "c", "b", "a")), must(manager.NewSet(m, "d"))
	for _, c := range []struct {
		a, b                               *manager.Set[string]
		subset, superset, disjoint, equals bool
	}{
		{ab, abc, true, false, false, false},
		{abc, ab, false, true, false, false},
		{ab, d, false, false, true, false},
		{empty, ab, true, false, true, false},
		{ab, ab, true, true, false, true},
		{empty, empty, true, true, true, true},
		{ab, must(manager.NewSet(m, "b", "a")), true, true, false, true},
	} {
		if must(c.a.IsSubset(ctx, c.b)) != c.subset || must(c.a.IsSuperset(ctx, c.b)) != c.superset ||
			must(c.a.IsDisjoint(ctx, c.b)) != c.disjoint || must(c.a.Equal(ctx, c.b)) != c.equals {
			t.Errorf("%v and %v", must(c.a.Copy(ctx)), must(c.b.Copy(ctx)))
		}
	}
}

// Two sets that are not in one server are an error, as is one that is none.
func TestSetOfAnotherServer(t *testing.T) {
	s, o := must(manager.NewSet(containerServer(t, 0), 1)), must(manager.NewSet(containerServer(t, 0), 1))
	var zero manager.Set[int]
	for _, other := range []*manager.Set[int]{o, &zero, nil} {
		if _, err := s.Union(ctx, other); err == nil {
			t.Errorf("a union with %v", other)
		}
		if s.Update(ctx, other) == nil {
			t.Errorf("an update with %v", other)
		}
		if _, err := s.Equal(ctx, other); err == nil {
			t.Errorf("a comparison with %v", other)
		}
		if _, err := zero.Equal(ctx, other); err == nil {
			t.Errorf("a comparison of nothing with %v", other)
		}
	}
}

// Two sets that are changed by each other at once wait for nobody for ever.
func TestSetsOfEachOther(t *testing.T) {
	m := containerServer(t, 0)
	a, b := must(manager.NewSet(m, 1, 2, 3)), must(manager.NewSet(m, 3, 4))
	var group sync.WaitGroup
	for _, pair := range [][2]*manager.Set[int]{{a, b}, {b, a}, {a, a}} {
		for range 2 {
			group.Go(func() {
				for range 200 {
					ok(t, pair[0].Update(ctx, pair[1]))
					must(pair[0].IsSubset(ctx, pair[1]))
					must(must(pair[0].Union(ctx, pair[1])).Len(ctx))
				}
			})
		}
	}
	group.Wait()
	if !must(a.Equal(ctx, b)) || must(a.Len(ctx)) != 4 {
		t.Error(must(a.Copy(ctx)), must(b.Copy(ctx)))
	}
}

// Two sets do what two ordered slices without doubles do, and what meets the limit changes nothing.
func TestSetsAgainstSlices(t *testing.T) {
	m := containerServer(t, 5000)
	sets := [2]*manager.Set[string]{must(manager.NewSet[string](m)), must(manager.NewSet[string](m))}
	var models [2][]string
	rng := random(t)
	for n := range steps() {
		i := rng.IntN(2)
		models[i] = setStep(t, rng, sets[i], sets[1-i], models[i], models[1-i])
		if n%100 > 0 {
			continue
		}
		var bytes int64
		for i, s := range sets {
			if got := must(s.Copy(ctx)); !slices.Equal(got, models[i]) {
				t.Fatalf("after %d steps: %q, want %q", n, got, models[i])
			}
			for _, w := range models[i] {
				bytes += valueCost(w) + 64
			}
		}
		if st := must(m.Stats(ctx)); st.Bytes != bytes && st.Objects == 2 {
			t.Fatalf("after %d steps: %d bytes, want %d", n, st.Bytes, bytes)
		}
	}
	emptied(t, m)
}

// setStep does something to a set and its model; there is another one.
func setStep(t *testing.T, rng *rand.Rand, s, other *manager.Set[string], model, others []string) []string {
	t.Helper()
	w := word(rng)
	has := slices.Contains(model, w)
	var want error
	if !has {
		want = manager.ErrNotFound
	}
	without := func(of []string, no ...string) []string {
		return slices.DeleteFunc(slices.Clone(of), func(w string) bool { return slices.Contains(no, w) })
	}
	switch rng.IntN(14) {
	case 0, 1, 2, 3:
		ws := []string{w, word(rng), word(rng)}[:rng.IntN(4)]
		if !limited(t, "Add", s.Add(ctx, ws...), nil) {
			for _, w := range ws {
				model = append(without(model), without([]string{w}, model...)...)
			}
		}
	case 4, 5:
		is(t, "Remove", s.Remove(ctx, w), want)
		return without(model, w)
	case 6:
		ws := []string{w, word(rng), word(rng)}
		ok(t, s.Discard(ctx, ws...))
		return without(model, ws...)
	case 7:
		got, err := s.Pop(ctx)
		if len(model) == 0 {
			is(t, "Pop", err, manager.ErrNotFound)
		} else if ok(t, err); !slices.Contains(model, got) {
			t.Fatalf("Pop is %q of %q", got, model)
		}
		return without(model, got)
	case 8:
		if must(s.Has(ctx, w)) != has {
			t.Fatalf("Has is %t", !has)
		}
	case 9:
		if !limited(t, "Update", s.Update(ctx, other), nil) {
			return append(model, without(others, model...)...)
		}
	case 10:
		if rng.IntN(4) == 0 { // else there would soon be nothing
			ok(t, s.IntersectWith(ctx, other))
			return without(model, without(model, others...)...)
		}
	case 11:
		if rng.IntN(4) == 0 {
			ok(t, s.DifferenceWith(ctx, other))
			return without(model, others...)
		}
	case 12:
		if !limited(t, "SymmetricDifferenceWith", s.SymmetricDifferenceWith(ctx, other), nil) {
			return append(without(model, others...), without(others, model...)...)
		}
	case 13:
		made, err := s.SymmetricDifference(ctx, other)
		if limited(t, "SymmetricDifference", err, nil) {
			break
		}
		if got, want := must(made.Copy(ctx)), append(without(model, others...), without(others, model...)...); !slices.Equal(got, want) {
			t.Fatalf("SymmetricDifference is %q, want %q", got, want)
		}
	}
	return model
}
