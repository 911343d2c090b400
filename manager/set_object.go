package manager

// Methods of a set.
const (
	setAdd uint8 = iota + 1
	setRemove
	setDiscard
	setPop
	setHas
	setLen
	setClear
	setAll

	// With another set, whose number is the argument.
	setUpdate
	setIntersectWith
	setDifferenceWith
	setSymmetricDifferenceWith
	setIsSubset
	setIsSuperset
	setIsDisjoint
	setEqual
)

// What a new set is made of: elements, or two other sets, whose numbers are the arguments.
const (
	setOfElements uint64 = iota
	setUnion
	setIntersect
	setDifference
	setSymmetricDifference
)

func init() { kinds[kindSet] = kind{name: "Set", make: newSetObject} }

// A setObject is a table whose keys are the elements. A value has no bytes, and refers to what its key refers to.
type setObject struct {
	simple
	table
}

func newSetObject(c *call) (object, error) {
	s := &setObject{table: newTable(c.s.srv)}
	err := s.make(c)
	if err != nil {
		c.drop(s.free()...)
		return nil, err
	}
	return s, nil
}

func (s *setObject) make(c *call) error {
	op := c.args.uint()
	if op == setOfElements {
		return s.addAll(c)
	}
	a, err := s.other(c, c.number)
	if err != nil {
		return err
	}
	b, err := s.other(c, c.number)
	if err != nil {
		return err
	}
	if err := c.args.end(); err != nil {
		return err
	}
	there := s.srv.both(a, b, func(garbage *[]value) {
		err = s.combine(garbage, op, a.obj.(*setObject), b.obj.(*setObject))
	})
	if !there {
		return errGone
	}
	return err
}

// other is another set, of a signature.
func (s *setObject) other(c *call, sig uint64) (*entry, error) {
	e := s.srv.find(c.args.uint())
	switch {
	case c.args.bad:
		return nil, errMessage
	case e == nil:
		return nil, errGone
	case e.kind != kindSet || e.sig != sig:
		return nil, errMessage
	}
	return e, nil
}

func (s *setObject) call(c *call) {
	switch c.method {
	case setAdd:
		c.doneOr(s.addAll(c))
	case setRemove, setHas:
		element := c.args.bytes()
		if c.malformed() {
			return
		}
		i, ok := s.index[string(element)]
		switch {
		case c.method == setHas:
			c.yes(ok)
		case ok:
			s.remove(c.garbage, i)
			c.done()
		default:
			c.fail(ErrNotFound)
		}
	case setDiscard:
		for range c.args.count() {
			s.discard(c.garbage, string(c.args.bytes()))
		}
		c.doneOr(c.args.end())
	case setPop:
		i := s.last()
		if i < 0 {
			c.fail(ErrNotFound)
			return
		}
		c.value(value{data: []byte(s.items[i].key), refs: s.items[i].refs})
		s.remove(c.garbage, i)
	case setLen:
		c.int(len(s.index))
	case setClear:
		c.drop(s.free()...)
		c.done()
	case setAll:
		s.keys(c, valuesOf(s.items))
	default:
		s.withOther(c)
	}
}

// addAll adds elements: all, or none.
func (s *setObject) addAll(c *call) error {
	before := len(s.index)
	var err error
	for range c.args.count() {
		if err = s.add(c.garbage, c.args.bytes()); err != nil {
			break
		}
	}
	if err == nil {
		err = c.args.end()
	}
	if err != nil {
		s.shrink(c.garbage, before)
	}
	return err
}

func (s *setObject) add(garbage *[]value, element []byte) error {
	if s.has(element) {
		return nil
	}
	v, err := s.srv.keep(nil)
	if err != nil {
		return err
	}
	v.refs = s.srv.refer(element)
	return s.put(garbage, element, v)
}

// shrink removes the elements that came last until there are only so many.
func (s *setObject) shrink(garbage *[]value, n int) {
	for len(s.index) > n {
		s.remove(garbage, s.last())
	}
}

func (s *setObject) discard(garbage *[]value, element string) {
	if i, ok := s.index[element]; ok {
		s.remove(garbage, i)
	}
}
