package manager

import "encoding/binary"

// Methods of a value.
const (
	valueLoad uint8 = iota + 1
	valueStore
	valueSwap
	valueCompareAndSwap
	valueCompute
	valueAdd
)

func init() { kinds[kindValue] = kind{name: "Value", make: newValueObject} }

// A valueObject is one value.
type valueObject struct {
	simple

	v value
}

func newValueObject(c *call) (object, error) {
	v, err := c.takeLast()
	if err != nil {
		return nil, err
	}
	return &valueObject{v: v}, nil
}

func (o *valueObject) call(c *call) {
	switch c.method {
	case valueLoad:
		c.value(o.v)
	case valueStore, valueSwap:
		v, err := c.takeLast()
		switch {
		case err != nil:
			c.fail(err)
			return
		case c.method == valueSwap:
			c.value(o.v)
		default:
			c.done()
		}
		o.set(c.garbage, v)
	case valueCompareAndSwap:
		c.compareAndSwap(o.v, func(v value) { o.set(c.garbage, v) })
	case valueCompute:
		c.compute(spot{
			read: func() (value, error) { return o.v, nil },
			write: func(garbage *[]value, v value) error {
				o.set(garbage, v)
				return nil
			},
		})
	case valueAdd:
		o.add(c)
	default:
		c.unknown()
	}
}

func (o *valueObject) set(garbage *[]value, v value) {
	*garbage = append(*garbage, o.v)
	o.v = v
}

// add adds a number that is as wide as the value. It wraps around, which is the same with a sign and without.
func (o *valueObject) add(c *call) {
	delta := c.args.bytes()
	if c.malformed() {
		return
	}
	a, native := o.v.data, binary.NativeEndian // as the codec has them
	sum := make([]byte, len(a))
	switch {
	case len(delta) != len(a):
		c.fail(errMessage)
		return
	case len(a) == 1:
		sum[0] = a[0] + delta[0]
	case len(a) == 2:
		native.PutUint16(sum, native.Uint16(a)+native.Uint16(delta))
	case len(a) == 4:
		native.PutUint32(sum, native.Uint32(a)+native.Uint32(delta))
	case len(a) == 8:
		native.PutUint64(sum, native.Uint64(a)+native.Uint64(delta))
	default:
		c.fail(errMessage)
		return
	}
	o.v.data = sum // bytes that were given out, or read by a function, stay what they are
	c.value(o.v)
}

func (o *valueObject) free() []value { return []value{o.v} }
