package manager

import "bytes"

// Methods of an array.
const (
	arrayLen uint8 = iota + 1
	arrayAt
	arraySet
	arraySlice
	arraySetSlice
)

// chunkSize is how many bytes of an array are one item of a page, about.
const chunkSize = 32 << 10

func init() { kinds[kindArray] = kind{name: "Array", make: newArrayObject} }

// An arrayObject is elements of one size, which refer to nothing, behind each other.
type arrayObject struct {
	simple

	size int // of an element
	n    int
	all  value
}

func newArrayObject(c *call) (object, error) {
	n, size := c.args.uint(), c.args.uint()
	if err := c.args.end(); err != nil {
		return nil, err
	}
	srv := c.s.srv
	most := uint64(srv.cfg.MaxMessage) // few bytes must not ask for any number of bytes
	if size == 0 {
		return nil, errMessage
	}
	if n > most/size {
		return nil, ErrLimit
	}
	if err := srv.charge(int64(n*size) + valueOverhead); err != nil {
		return nil, err
	}
	return &arrayObject{size: int(size), n: int(n), all: value{data: make([]byte, n*size)}}, nil
}

func (a *arrayObject) call(c *call) {
	switch c.method {
	case arrayLen:
		c.int(a.n)
	case arrayAt, arraySet:
		i, ok := place(c.args.int(), a.n)
		if !ok {
			c.fail(ErrNotFound)
			return
		}
		if at := a.part(i, i+1); c.method == arrayAt {
			c.answer(statusOK, at)
		} else if element := c.args.bytes(); len(element) != a.size {
			c.fail(errMessage)
		} else {
			copy(at, element)
			c.done()
		}
	case arraySlice:
		if from, to := c.part(a.n); !c.malformed() {
			size := min(chunkSize, int(c.s.srv.cfg.MaxMessage/2))
			c.chunks(bytes.Clone(a.part(from, to)), max(1, size/a.size)*a.size)
		}
	case arraySetSlice:
		a.setSlice(c)
	default:
		c.unknown()
	}
}

func (a *arrayObject) part(from, to int) []byte { return a.all.data[from*a.size : to*a.size] }

func (a *arrayObject) setSlice(c *call) {
	from, elements := c.args.int(), c.args.bytes()
	if c.malformed() {
		return
	}
	if from < 0 {
		from += a.n
	}
	n := len(elements) / a.size
	switch {
	case len(elements) != n*a.size:
		c.fail(errMessage)
	case from < 0 || from > a.n-n:
		c.fail(ErrNotFound)
	default:
		copy(a.part(from, from+n), elements)
		c.done()
	}
}

// chunks answers with a snapshot of bytes, which stay as they are.
func (c *call) chunks(b []byte, size int) {
	c.snapshot((len(b)+size-1)/size, int64(len(b)), nil, func(items []byte) []byte {
		n := min(size, len(b))
		items = appendBytes(items, b[:n])
		b = b[n:]
		return items
	})
}

func (a *arrayObject) free() []value { return []value{a.all} }
