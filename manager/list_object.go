package manager

import (
	"bytes"
	"slices"
)

// Methods of a list.
const (
	listAppend uint8 = iota + 1
	listAt
	listSet
	listInsert
	listPop
	listRemove
	listDelete
	listSlice
	listLen
	listHas
	listIndex
	listCount
	listReverse
	listClear
	listSwap // compare and swap
	listCompute
	listSort
)

func init() { kinds[kindList] = kind{name: "List", make: newListObject} }

// A listObject is a sequence of values.
type listObject struct {
	simple
	row

	srv     *server
	changes uint64 // how often it was changed
}

func newListObject(c *call) (object, error) {
	values, err := c.takeAll()
	if err != nil {
		return nil, err
	}
	return &listObject{srv: c.s.srv, row: row{values: values}}, nil
}

func (l *listObject) call(c *call) {
	switch c.method {
	case listAppend:
		values, err := c.takeAll()
		if err == nil {
			l.changed().push(values...)
		}
		c.doneOr(err)
	case listAt, listPop, listSet, listSwap:
		if i, ok := place(c.args.int(), len(l.values)); ok {
			l.one(c, i)
		} else {
			c.fail(ErrNotFound)
		}
	case listInsert:
		l.insert(c)
	case listRemove, listHas, listIndex, listCount:
		l.find(c)
	case listSlice, listDelete:
		from, to := c.part(len(l.values))
		switch {
		case c.malformed():
		case c.method == listSlice:
			c.list(slices.Clone(l.values[from:to]))
		default:
			l.changed().remove(c.garbage, from, to)
			c.done()
		}
	case listLen:
		c.int(len(l.values))
	case listReverse:
		slices.Reverse(l.changed().values)
		c.done()
	case listClear:
		c.drop(l.changed().free()...)
		c.done()
	case listCompute:
		l.compute(c)
	case listSort:
		l.sort(c)
	default:
		c.unknown()
	}
}

// changed is the row of the list, which is about to be changed.
func (l *listObject) changed() *row {
	l.changes++
	return &l.row
}

// one is a method of one element.
func (l *listObject) one(c *call, i int) {
	switch c.method {
	case listSet:
		v, err := c.takeLast()
		if err == nil {
			l.set(c.garbage, i, v)
		}
		c.doneOr(err)
	case listSwap:
		l.swap(c, i)
	default:
		if c.malformed() {
			return
		}
		c.value(l.values[i])
		if c.method == listPop {
			l.changed().remove(c.garbage, i, i+1)
		}
	}
}

func (l *listObject) set(garbage *[]value, i int, v value) {
	*garbage = append(*garbage, l.values[i])
	l.changed().values[i] = v
}

// swap sets an element to a new value if it has the old one.
func (l *listObject) swap(c *call, i int) {
	c.compareAndSwap(l.values[i], func(v value) { l.set(c.garbage, i, v) })
}

func (l *listObject) insert(c *call) {
	i := clamp(c.args.int(), len(l.values))
	v, err := c.takeLast()
	if err == nil {
		r := l.changed()
		r.values = slices.Insert(r.values, i, v)
	}
	c.doneOr(err)
}

// find is a method that looks for an element.
func (l *listObject) find(c *call) {
	element := c.args.bytes()
	if c.malformed() {
		return
	}
	same := func(v value) bool { return bytes.Equal(v.data, element) }
	if c.method == listCount {
		n := 0
		for _, v := range l.values {
			if same(v) {
				n++
			}
		}
		c.int(n)
		return
	}
	i := slices.IndexFunc(l.values, same)
	switch {
	case c.method == listHas:
		c.yes(i >= 0)
	case i < 0:
		c.fail(ErrNotFound)
	case c.method == listRemove:
		l.changed().remove(c.garbage, i, i+1)
		c.done()
	default:
		c.int(i)
	}
}

// compute replaces an element. The arguments are its index and those of call.compute.
func (l *listObject) compute(c *call) {
	index := c.args.int()
	c.compute(spot{
		read: func() (value, error) {
			i, ok := place(index, len(l.values))
			if !ok {
				return value{}, ErrNotFound
			}
			return l.values[i], nil
		},
		write: func(garbage *[]value, v value) error {
			i, _ := place(index, len(l.values)) // it was read just now
			l.set(garbage, i, v)
			return nil
		},
	})
}
