package manager

// A table maps byte strings to values, and knows in which order they came, as Python's dicts do.
type table struct {
	srv   *server
	index map[string]int // where in items
	items []item         // in the order in which their keys came; the last is no gap
	gaps  int
}

// An item is a key and its value. That of a deleted one is a gap.
type item struct {
	key string
	value
	gap bool
}

func newTable(srv *server) table { return table{srv: srv, index: make(map[string]int)} }

func (t *table) has(key []byte) bool {
	_, ok := t.index[string(key)]
	return ok
}

// put sets a key to a value, which is the table's then, or garbage.
func (t *table) put(garbage *[]value, key []byte, v value) error {
	if i, ok := t.index[string(key)]; ok {
		t.set(garbage, i, v)
		return nil
	}
	if err := t.srv.charge(int64(len(key))); err != nil {
		*garbage = append(*garbage, v)
		return err
	}
	k := string(key)
	t.index[k] = len(t.items)
	t.items = append(t.items, item{key: k, value: v})
	return nil
}

// set replaces the value of an item.
func (t *table) set(garbage *[]value, i int, v value) {
	*garbage = append(*garbage, t.items[i].value)
	t.items[i].value = v
}

// remove makes an item a gap, and closes the gaps when they are more than what is between them.
func (t *table) remove(garbage *[]value, i int) {
	it := t.items[i]
	_ = t.srv.charge(-int64(len(it.key)))
	*garbage = append(*garbage, it.value)
	delete(t.index, it.key)
	t.items[i] = item{gap: true}
	t.gaps++
	for n := len(t.items); n > 0 && t.items[n-1].gap; n-- {
		t.items = t.items[:n-1]
		t.gaps--
	}
	if t.gaps > len(t.index)+16 {
		t.items, t.gaps = t.copy(), 0
		t.index = make(map[string]int, len(t.items)) // the old one never shrinks
		for i, it := range t.items {
			t.index[it.key] = i
		}
	}
}

// last is the item whose key came last, -1 if there is none.
func (t *table) last() int { return len(t.items) - 1 }

// copy is the items without gaps.
func (t *table) copy() []item {
	items := make([]item, 0, len(t.index))
	for _, it := range t.items {
		if !it.gap {
			items = append(items, it)
		}
	}
	return items
}

// keys answers with a snapshot of the keys. values are those that they are made of.
func (t *table) keys(c *call, values []value) {
	items := t.copy()
	c.snapshot(len(items), costOf(items, nil), values, func(b []byte) []byte {
		b = appendBytes(b, items[0].key)
		items = items[1:]
		return b
	})
}

// costOf is what items cost, of whose values these are kept.
func costOf(items []item, values []value) int64 {
	n := cost(values) + int64(len(items)-len(values))*valueOverhead
	for _, it := range items {
		n += int64(len(it.key))
	}
	return n
}

// valuesOf are those of items.
func valuesOf(items []item) []value {
	all := make([]value, len(items))
	for i, it := range items {
		all[i] = it.value
	}
	return all
}

// free empties the table.
func (t *table) free() []value {
	items := t.copy()
	for _, it := range items {
		_ = t.srv.charge(-int64(len(it.key)))
	}
	*t = newTable(t.srv)
	return valuesOf(items)
}
