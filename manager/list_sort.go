package manager

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-multiproc/mp/internal/codec"
	"github.com/go-multiproc/mp/internal/remote"
)

var intCodec, _ = codec.For[int]()

// sortOverhead is what each value costs while it is sorted: it is in two more places.
const sortOverhead = 2 * valueOverhead

// sort sorts the list, without its lock: a copy takes its place if it is then what it was. The arguments are the name and the signature
// of the function that compares.
func (l *listObject) sort(c *call) {
	name, sig := string(c.args.bytes()), c.args.uint()
	if c.refuses(name, sig) {
		return
	}
	c.run(func(ctx context.Context) {
		s := sorter{ctx: ctx, name: name}
		for l.sortOnce(c, &s) {
		}
	})
}

// sortOnce answers, unless the list was changed meanwhile: then it is to be called again.
func (l *listObject) sortOnce(c *call, s *sorter) (again bool) {
	var values []value
	var before uint64
	var err error
	there := c.on.with(l.srv, func(*[]value) {
		if err = l.srv.put(sortOverhead * int64(len(l.values))); err != nil {
			return
		}
		values, before = slices.Clone(l.values), l.changes
		for _, v := range values {
			l.srv.lendRefs(v)
		}
	})
	if there && err == nil {
		err = s.sort(values, make([]value, len(values)))
		l.srv.aside.Add(-sortOverhead * int64(len(values)))
	}
	if err != nil {
		c.fail(err)
		return false
	}
	if there {
		there = c.on.with(l.srv, func(*[]value) {
			if again = l.changes != before; !again {
				*l.changed() = row{values: values}
				c.done()
			}
		})
	}
	if !there {
		c.fail(errGone)
	}
	return again
}

// A sorter sorts values by a function of the program, by merging: it stands any function, also one that is no order, and calls it less
// often than others do.
type sorter struct {
	ctx  context.Context
	name string
	arg  []byte
}

// sort sorts values, stably. spare is as long. After an error some values may be there twice, and others not.
func (s *sorter) sort(values, spare []value) error {
	if len(values) < 2 {
		return s.ctx.Err()
	}
	mid := len(values) / 2
	a, b := values[:mid], values[mid:]
	if err := s.sort(a, spare[:mid]); err != nil {
		return err
	}
	if err := s.sort(b, spare[mid:]); err != nil {
		return err
	}
	if less, err := s.less(b[0], a[mid-1]); !less || err != nil {
		return err
	}
	copy(spare, a)
	a = spare[:mid]
	for at := 0; len(a) > 0 && len(b) > 0; at++ {
		less, err := s.less(b[0], a[0])
		if err != nil {
			return err
		}
		if less {
			values[at], b = b[0], b[1:]
		} else {
			values[at], a = a[0], a[1:]
		}
	}
	copy(values[len(values)-len(b)-len(a):], a)
	return nil
}

// less reports whether x is to come before y.
func (s *sorter) less(x, y value) (bool, error) {
	if err := s.ctx.Err(); err != nil {
		return false, err
	}
	s.arg = append(append(s.arg[:0], x.data...), y.data...)
	out, err := remote.Functions.Run(s.ctx, s.name, s.arg)
	if err != nil {
		return false, err
	}
	n, err := decode(intCodec, out)
	if err != nil {
		return false, fmt.Errorf("mp/manager: what function %q returns is no int: %w", s.name, err)
	}
	return n < 0, nil
}
