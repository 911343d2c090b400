package manager

import "bytes"

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

// A dictObject maps keys to values.
type dictObject struct {
	simple
	table
}

func newDictObject(c *call) (object, error) {
	d := &dictObject{table: newTable(c.s.srv)}
	if err := d.update(c); err != nil {
		c.drop(d.free()...)
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
		d.setKey(c)
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
		d.keys(c, nil)
	case dictItems:
		items := d.copy()
		values := valuesOf(items)
		c.snapshot(len(items), costOf(items, values), values, func(b []byte) []byte {
			b = appendBytes(appendBytes(b, items[0].key), items[0].data)
			items = items[1:]
			return b
		})
	case dictPopItem:
		d.popItem(c)
	case dictClear:
		c.drop(d.free()...)
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

func (d *dictObject) setKey(c *call) {
	key := c.args.bytes()
	v, err := c.takeLast()
	if err == nil {
		err = d.put(c.garbage, key, v)
	}
	c.doneOr(err)
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
	i := d.last()
	if i < 0 {
		c.fail(ErrNotFound)
		return
	}
	it := d.items[i]
	d.srv.lendRefs(it.value)
	c.answer(statusOK, appendBytes(appendBytes(nil, it.key), it.data))
	d.remove(c.garbage, i)
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
		if int64(len(b)) > d.srv.cfg.MaxMessage {
			c.answer(statusOK, b) // which tells that it is too large
			return
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
	i, ok := d.index[string(c.args.bytes())]
	if !ok {
		c.yes(false)
		return
	}
	c.compareAndSwap(d.items[i].value, func(v value) { d.set(c.garbage, i, v) })
}

// compute replaces the value of a key. The arguments are the key, the zero value's encoding, and those of call.compute.
func (d *dictObject) compute(c *call) {
	key, zero := bytes.Clone(c.args.bytes()), value{data: bytes.Clone(c.args.bytes())}
	c.compute(spot{
		read: func() (value, error) {
			if i, ok := d.index[string(key)]; ok {
				return d.items[i].value, nil
			}
			return zero, nil
		},
		write: func(garbage *[]value, v value) error { return d.put(garbage, key, v) },
	})
}
