package manager

import (
	"bytes"
	"context"

	"github.com/go-multiproc/mp/internal/remote"
)

// Methods of a dict.
const (
	dictGet uint8 = iota + 1
	dictSet
	dictDelete
	dictPop
	dictPopItem
	dictSetDefault
	dictUpdate
	dictGetMany
	dictDeleteMany
	dictLen
	dictHas
	dictKeys
	dictItems
	dictClear
	dictSwap // compare and swap
	dictCompute
)

func init() { kinds[kindDict] = kind{name: "Dict", make: newDictObject} }

// A dictObject maps keys to values, and knows in which order the keys came, as Python's do.
type dictObject struct {
	simple

	srv   *server
	index map[string]int // where in items
	items []item         // in the order in which their keys came; gaps where some were deleted
	gaps  int
}

// An item is a key and its value. That of a deleted one is a gap.
type item struct {
	key string
	value
	gap bool
}

func newDictObject(c *call) (object, error) {
	d := &dictObject{srv: c.s.srv, index: make(map[string]int)}
	if err := d.update(c); err != nil {
		*c.garbage = append(*c.garbage, d.free()...)
		return nil, err
	}
	return d, nil
}

func (d *dictObject) call(c *call) {
	switch c.method {
	case dictGet, dictHas, dictDelete, dictPop:
		key := c.args.bytes()
		if c.malformed() {
			return
		}
		d.one(c, key)
	case dictSet:
		d.set(c)
	case dictSetDefault:
		d.setDefault(c)
	case dictUpdate:
		c.doneOr(d.update(c))
	case dictGetMany:
		d.getMany(c)
	case dictDeleteMany:
		d.deleteMany(c)
	case dictLen:
		c.int(len(d.index))
	case dictKeys:
		items := d.copy()
		c.snapshot(len(items), nil, func(b []byte) []byte {
			b = appendBytes(b, []byte(items[0].key))
			items = items[1:]
			return b
		})
	case dictItems:
		items := d.copy()
		values := make([]value, len(items))
		for i, it := range items {
			values[i] = it.value
		}
		c.snapshot(len(items), values, func(b []byte) []byte {
			b = appendBytes(appendBytes(b, []byte(items[0].key)), items[0].data)
			items = items[1:]
			return b
		})
	case dictPopItem:
		d.popItem(c)
	case dictClear:
		*c.garbage = append(*c.garbage, d.free()...)
		c.done()
	case dictSwap:
		d.swap(c)
	case dictCompute:
		d.compute(c)
	default:
		c.unknown()
	}
}

// one is a method of one key.
func (d *dictObject) one(c *call, key []byte) {
	i, ok := d.index[string(key)]
	switch {
	case c.method == dictHas:
		c.yes(ok)
	case !ok:
		c.fail(ErrNotFound)
	case c.method == dictGet:
		c.value(d.items[i].value)
	case c.method == dictPop:
		c.value(d.items[i].value)
		d.remove(c.garbage, i)
	default:
		d.remove(c.garbage, i)
		c.done()
	}
}

func (d *dictObject) set(c *call) {
	key := c.args.bytes()
	v, err := c.take()
	if err == nil {
		if err = c.args.end(); err == nil {
			err = d.put(c.garbage, key, v)
		} else {
			c.drop(v)
		}
	}
	c.doneOr(err)
}

// put sets a key to a value, which is the dict's then, or garbage.
func (d *dictObject) put(garbage *[]value, key []byte, v value) error {
	if i, ok := d.index[string(key)]; ok {
		*garbage = append(*garbage, d.items[i].value)
		d.items[i].value = v
		return nil
	}
	if err := d.srv.charge(int64(len(key))); err != nil {
		*garbage = append(*garbage, v)
		return err
	}
	k := string(key)
	d.index[k] = len(d.items)
	d.items = append(d.items, item{key: k, value: v})
	return nil
}

// remove makes an item a gap, and closes the gaps when they are more than what is between them.
func (d *dictObject) remove(garbage *[]value, i int) {
	it := d.items[i]
	_ = d.srv.charge(-int64(len(it.key)))
	*garbage = append(*garbage, it.value)
	delete(d.index, it.key)
	d.items[i] = item{gap: true}
	if i == len(d.items)-1 {
		d.items = d.items[:i]
		return
	}
	if d.gaps++; d.gaps > len(d.index)+16 {
		d.items, d.gaps = d.copy(), 0
		for i, it := range d.items {
			d.index[it.key] = i
		}
	}
}

// copy is the items without gaps.
func (d *dictObject) copy() []item {
	items := make([]item, 0, len(d.index))
	for _, it := range d.items {
		if !it.gap {
			items = append(items, it)
		}
	}
	return items
}

func (d *dictObject) setDefault(c *call) {
	key := c.args.bytes()
	if i, ok := d.index[string(key)]; ok {
		c.value(d.items[i].value)
		return
	}
	v, err := c.take()
	if err == nil {
		err = d.put(c.garbage, key, v)
	}
	if err != nil {
		c.fail(err)
		return
	}
	c.value(v)
}

// update sets many keys: all of them, unless a limit is reached.
func (d *dictObject) update(c *call) error {
	for range c.args.count() {
		key := c.args.bytes()
		v, err := c.take()
		if err == nil {
			err = d.put(c.garbage, key, v)
		}
		if err != nil {
			return err
		}
	}
	return c.args.end()
}

func (d *dictObject) popItem(c *call) {
	for i := len(d.items) - 1; i >= 0; i-- {
		if it := d.items[i]; !it.gap {
			d.srv.lendRefs(it.value)
			c.answer(statusOK, appendBytes(appendBytes(nil, []byte(it.key)), it.data))
			d.remove(c.garbage, i)
			return
		}
	}
	c.fail(ErrNotFound)
}

// getMany answers with what it found of the keys: 1 and the value, or 0, for each.
func (d *dictObject) getMany(c *call) {
	var b []byte
	for range c.args.count() {
		if i, ok := d.index[string(c.args.bytes())]; ok {
			d.srv.lendRefs(d.items[i].value)
			b = appendBytes(append(b, 1), d.items[i].data)
		} else {
			b = append(b, 0)
		}
	}
	if !c.malformed() {
		c.answer(statusOK, b)
	}
}

// deleteMany answers with how many there were.
func (d *dictObject) deleteMany(c *call) {
	n := 0
	for range c.args.count() {
		if i, ok := d.index[string(c.args.bytes())]; ok {
			d.remove(c.garbage, i)
			n++
		}
	}
	if !c.malformed() {
		c.int(n)
	}
}

// swap sets a key to a new value if it has the old one.
func (d *dictObject) swap(c *call) {
	key, old := c.args.bytes(), c.args.bytes()
	i, ok := d.index[string(key)]
	if !ok || !bytes.Equal(d.items[i].data, old) {
		c.yes(false)
		return
	}
	v, err := c.take()
	if err != nil {
		c.fail(err)
		return
	}
	*c.garbage = append(*c.garbage, d.items[i].value)
	d.items[i].value = v
	c.yes(true)
}

// compute replaces a value by what a function makes of it: key, name of the function, its signature, the zero value's encoding, and what
// follows the value in the function's argument.
func (d *dictObject) compute(c *call) {
	key, name, sig := string(c.args.bytes()), string(c.args.bytes()), c.args.uint()
	zero, extra := bytes.Clone(c.args.bytes()), bytes.Clone(c.args.bytes())
	if c.malformed() {
		return
	}
	if err := checkFunction(name, sig); err != nil {
		c.fail(err)
		return
	}
	e := c.on
	c.run(func(ctx context.Context) {
		for {
			old, had := zero, false
			if !e.with(d.srv, func(*[]value) {
				if i, ok := d.index[key]; ok {
					old, had = d.items[i].data, true
				}
			}) {
				c.fail(errGone)
				return
			}
			next, err := remote.Functions.Run(ctx, name, append(bytes.Clone(old), extra...))
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				c.fail(err)
				return
			}
			if d.store(c, e, key, old, had, next) {
				return
			}
		}
	})
}

// store answers a compute, unless the value is not any more what was read: the bytes are compared by where they lie, for they
// never change.
func (d *dictObject) store(c *call, e *entry, key string, old []byte, had bool, next []byte) (stored bool) {
	v, err := d.srv.keep(next)
	if err != nil {
		c.fail(err)
		return true
	}
	there := e.with(d.srv, func(garbage *[]value) {
		i, has := d.index[key]
		if has != had || has && !sameBytes(d.items[i].data, old) {
			*garbage = append(*garbage, v)
			return
		}
		stored = true
		if err := d.put(garbage, []byte(key), v); err != nil {
			c.fail(err)
			return
		}
		c.value(v)
	})
	if !there {
		d.srv.drop([]value{v})
		c.fail(errGone)
		return true
	}
	return stored
}

// sameBytes reports whether two values are the same one.
func sameBytes(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func (d *dictObject) free() []value {
	garbage := make([]value, 0, len(d.index))
	for _, it := range d.items {
		if !it.gap {
			_ = d.srv.charge(-int64(len(it.key)))
			garbage = append(garbage, it.value)
		}
	}
	d.index, d.items, d.gaps = make(map[string]int), nil, 0
	return garbage
}

// checkFunction reports a function that is not registered in the server, or has other types there.
func checkFunction(name string, sig uint64) error {
	s, ok := remote.Functions.Signature(name)
	return functionError(name, ok, hashText(s) == sig)
}
