package manager_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/go-multiproc/mp/manager"
)

// A dictModel is a map that knows the order of its keys.
type dictModel struct {
	keys   []string
	values map[string]string
}

func (d *dictModel) set(key, v string) {
	if _, ok := d.values[key]; !ok {
		d.keys = append(d.keys, key)
	}
	d.values[key] = v
}

func (d *dictModel) remove(key string) {
	if _, ok := d.values[key]; ok {
		delete(d.values, key)
		i := slices.Index(d.keys, key)
		d.keys = slices.Delete(d.keys, i, i+1)
	}
}

// T087, T093: a dict does what a map does, in the order in which the keys came, and what meets the limit changes nothing.
func TestDictAgainstAMap(t *testing.T) {
	m := containerServer(t, 5000)
	d := must(manager.NewDict[string, string](m))
	model := &dictModel{values: make(map[string]string)}
	rng := random(t)
	for n := range steps() {
		dictStep(t, rng, d, model)
		if n%100 > 0 {
			continue
		}
		var bytes int64
		i := 0
		for e, err := range d.All(ctx) {
			ok(t, err)
			if i >= len(model.keys) || e.Key != model.keys[i] || e.Value != model.values[e.Key] {
				t.Fatalf("after %d steps: item %d is %q, want %q", n, i, e, model.keys)
			}
			bytes += valueCost(e.Key) + valueCost(e.Value) + 64
			i++
		}
		if i != len(model.keys) || must(d.Len(ctx)) != i {
			t.Fatalf("after %d steps: %d items, want %d", n, i, len(model.keys))
		}
		if st := must(m.Stats(ctx)); st.Bytes != bytes {
			t.Fatalf("after %d steps: %d bytes, want %d", n, st.Bytes, bytes)
		}
	}
	emptied(t, m)
}

func dictStep(t *testing.T, rng *rand.Rand, d *manager.Dict[string, string], model *dictModel) {
	t.Helper()
	key, v := word(rng), word(rng)
	has, there := model.values[key]
	var want error
	if !there {
		want = manager.ErrNotFound
	}
	switch rng.IntN(10) {
	case 0, 1, 2:
		if !limited(t, "Set", d.Set(ctx, key, v), nil) {
			model.set(key, v)
		}
	case 3:
		got, err := d.Get(ctx, key)
		if is(t, "Get", err, want); got != has {
			t.Fatalf("Get is %q, want %q", got, has)
		}
	case 4:
		is(t, "Delete", d.Delete(ctx, key), want)
		model.remove(key)
	case 5:
		got, err := d.Pop(ctx, key)
		if is(t, "Pop", err, want); got != has {
			t.Fatalf("Pop is %q, want %q", got, has)
		}
		model.remove(key)
	case 6:
		e, err := d.PopItem(ctx)
		if n := len(model.keys); n == 0 {
			is(t, "PopItem", err, manager.ErrNotFound)
		} else if ok(t, err); e.Key != model.keys[n-1] || e.Value != model.values[e.Key] {
			t.Fatalf("PopItem is %q", e)
		}
		model.remove(e.Key)
	case 7:
		got, err := d.SetDefault(ctx, key, v)
		if limited(t, "SetDefault", err, nil) {
			break
		}
		if !there {
			model.set(key, v)
		}
		if got != model.values[key] {
			t.Fatalf("SetDefault is %q", got)
		}
	case 8:
		keys := []string{key, word(rng), word(rng)}
		slices.Sort(keys)
		keys = slices.Compact(keys)
		before := len(model.keys)
		for _, key := range keys {
			model.remove(key)
		}
		if n := must(d.DeleteMany(ctx, keys...)); n != before-len(model.keys) {
			t.Fatalf("DeleteMany is %d, want %d", n, before-len(model.keys))
		}
	case 9:
		if has == "" {
			want = errRefused
		} else {
			want = nil
		}
		got, err := d.Compute(ctx, key, louder)
		if !limited(t, "Compute", err, want) && err == nil {
			if model.set(key, has+"!"); got != has+"!" {
				t.Fatalf("Compute is %q of %q", got, has)
			}
		}
	}
}
