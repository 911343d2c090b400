package manager

// A row is a sequence of values that grows at its end and shrinks anywhere, at either end at little cost.
type row struct {
	values []value
	cut    int // how many more there is memory for in front of them, about
}

// push adds values at the end.
func (r *row) push(v ...value) { r.values = append(r.values, v...) }

// remove lets go of the values from one index up to another.
func (r *row) remove(garbage *[]value, from, to int) {
	*garbage = append(*garbage, r.values[from:to]...)
	r.cutOut(from, to)
}

// pop takes out a value.
func (r *row) pop(i int) value {
	v := r.values[i]
	r.cutOut(i, i+1)
	return v
}

func (r *row) cutOut(from, to int) {
	rest := len(r.values) - to
	if from == 0 {
		clear(r.values[:to])
		r.values, r.cut = r.values[to:], r.cut+to
	} else {
		copy(r.values[from:], r.values[to:])
		clear(r.values[from+rest:])
		r.values = r.values[:from+rest]
	}
	if n := len(r.values); r.cut+cap(r.values) > 4*n+64 {
		r.values, r.cut = append(make([]value, 0, n), r.values...), 0
	}
}

// free empties the row.
func (r *row) free() []value {
	all := r.values
	*r = row{}
	return all
}

// place is where an index points in n values: one that is negative counts from the end.
func place(i, n int) (at int, ok bool) {
	if i < 0 {
		i += n
	}
	return i, 0 <= i && i < n
}

// clamp is an index as slices of Python take it: what is beyond an end is that end.
func clamp(i, n int) int {
	if i < 0 {
		i += n
	}
	return min(max(i, 0), n)
}

// part is what two arguments say of n values.
func (c *call) part(n int) (from, to int) {
	from = clamp(c.args.int(), n)
	return from, max(from, clamp(c.args.int(), n))
}

// list answers with a snapshot of values, which stay as they are.
func (c *call) list(values []value) {
	c.snapshot(len(values), cost(values), values, func(b []byte) []byte {
		b = appendBytes(b, values[0].data)
		values = values[1:]
		return b
	})
}
