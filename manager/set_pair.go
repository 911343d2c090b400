package manager

import (
	"context"
	"iter"
)

// both calls fn with the locks of two objects, which may be the same, and drops afterwards what fn let go of. The locks are taken in
// the order of the objects' numbers. It reports false if one of them is gone.
func (srv *server) both(a, b *entry, fn func(garbage *[]value)) (there bool) {
	first, second := a, b
	if b.id < a.id {
		first, second = b, a
	}
	var garbage []value
	first.mu.Lock()
	if second != first {
		second.mu.Lock()
	}
	if there = !a.gone && !b.gone; there {
		fn(&garbage)
	}
	if second != first {
		second.mu.Unlock()
	}
	first.mu.Unlock()
	srv.drop(garbage)
	return there
}

// withOther is a method with another set. It needs that one's lock, too, and so first has to let go of its own.
func (s *setObject) withOther(c *call) {
	if c.method < setUpdate || c.method > setEqual {
		c.unknown()
		return
	}
	e, err := s.other(c, c.on.sig)
	if err == nil {
		err = c.args.end()
	}
	if err != nil {
		c.fail(err)
		return
	}
	c.run(func(context.Context) {
		there := s.srv.both(c.on, e, func(garbage *[]value) {
			if o := e.obj.(*setObject); c.method >= setIsSubset {
				c.yes(s.compare(c.method, o))
			} else {
				c.doneOr(s.change(garbage, c.method, o))
			}
		})
		if !there {
			c.fail(errGone)
		}
	})
}

// combine makes a new set of two. The caller frees it after an error.
func (s *setObject) combine(garbage *[]value, op uint64, a, b *setObject) error {
	switch op {
	case setUnion:
		if err := s.addFrom(garbage, a, nil); err != nil {
			return err
		}
		return s.addFrom(garbage, b, nil)
	case setIntersect:
		return s.addFrom(garbage, a, b.contains)
	case setDifference:
		return s.addFrom(garbage, a, b.lacks)
	case setSymmetricDifference:
		if err := s.addFrom(garbage, a, b.lacks); err != nil {
			return err
		}
		return s.addFrom(garbage, b, a.lacks)
	}
	return errMessage
}

// change changes the set by another one, which may be the same.
func (s *setObject) change(garbage *[]value, method uint8, o *setObject) error {
	switch method {
	case setUpdate:
		return s.addFrom(garbage, o, nil)
	case setIntersectWith:
		s.removeWhere(garbage, o.lacks)
	case setDifferenceWith:
		s.removeWhere(garbage, o.contains)
	default:
		common := make([]string, 0)
		for key := range s.each() {
			if o.contains(key) {
				common = append(common, key)
			}
		}
		if err := s.addFrom(garbage, o, nil); err != nil {
			return err
		}
		for _, key := range common {
			s.discard(garbage, key)
		}
	}
	return nil
}

// compare is a method that compares two sets.
func (s *setObject) compare(method uint8, o *setObject) bool {
	switch method {
	case setIsSubset:
		return s.within(o)
	case setIsSuperset:
		return o.within(s)
	case setIsDisjoint:
		for key := range s.each() {
			if o.contains(key) {
				return false
			}
		}
		return true
	default:
		return len(s.index) == len(o.index) && s.within(o)
	}
}

func (s *setObject) within(o *setObject) bool {
	if len(s.index) > len(o.index) {
		return false
	}
	for key := range s.each() {
		if o.lacks(key) {
			return false
		}
	}
	return true
}

func (s *setObject) contains(element string) bool {
	_, ok := s.index[element]
	return ok
}

func (s *setObject) lacks(element string) bool { return !s.contains(element) }

// each are the elements, in the order in which they came. The set must not be changed meanwhile.
func (s *setObject) each() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, it := range s.items {
			if !it.gap && !yield(it.key) {
				return
			}
		}
	}
}

// addFrom adds those elements of a set that are wanted, nil meaning all: all of these, or none.
func (s *setObject) addFrom(garbage *[]value, o *setObject, wanted func(string) bool) error {
	before := len(s.index)
	for key := range o.each() {
		if wanted != nil && !wanted(key) {
			continue
		}
		if err := s.add(garbage, []byte(key)); err != nil {
			s.shrink(garbage, before)
			return err
		}
	}
	return nil
}

// removeWhere removes the elements for which unwanted is true.
func (s *setObject) removeWhere(garbage *[]value, unwanted func(string) bool) {
	for _, it := range s.copy() {
		if unwanted(it.key) {
			s.discard(garbage, it.key)
		}
	}
}
