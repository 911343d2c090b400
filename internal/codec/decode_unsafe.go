package codec

import (
	"encoding/binary"
	"math"
	"reflect"
	"unsafe"
)

// A decoder sets the zero value at p from the front of src, and returns the rest.
type decoder func(src []byte, p unsafe.Pointer, depth int) ([]byte, error)

// Decode sets *v from the front of src and returns the rest. After an error *v is part old, part new.
func (c Codec[T]) Decode(src []byte, v *T) (rest []byte, err error) {
	return c.DecodeWithin(src, v, MaxDepth)
}

// DecodeWithin is Decode of what is a part of something, and may be nested no deeper than depth.
func (c Codec[T]) DecodeWithin(src []byte, v *T, depth int) (rest []byte, err error) {
	if !c.plan.flat {
		var zero T
		*v = zero
	}
	return c.plan.dec(src, unsafe.Pointer(v), max(depth, 0))
}

// DecodeRun sets all values of v, if their memory is their encoding, from src, which is as long as that.
func (c Codec[T]) DecodeRun(src []byte, v []T) {
	copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*c.plan.fixed), src)
}

func decodeFlat(size int) decoder {
	if size == 8 {
		return func(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
			if len(src) < 8 {
				return src, corrupt("%d bytes for one of 8", len(src))
			}
			*(*[8]byte)(p) = [8]byte(src)
			return src[8:], nil
		}
	}
	return func(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
		if len(src) < size {
			return src, corrupt("%d bytes for a value of %d", len(src), size)
		}
		copy(unsafe.Slice((*byte)(p), size), src)
		return src[size:], nil
	}
}

func decodeNothing(src []byte, _ unsafe.Pointer, _ int) ([]byte, error) {
	if len(src) == 0 || src[0] != 0 {
		return src, corrupt("something for nothing")
	}
	return src[1:], nil
}

func decodeBool(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	if len(src) == 0 || src[0] > 1 {
		return src, corrupt("no bool")
	}
	*(*bool)(p) = src[0] == 1
	return src[1:], nil
}

// length reads a length of things of at least so many bytes each. Things without bytes have no memory either.
func length(src []byte, least int) (int, []byte, error) {
	n, k := binary.Uvarint(src)
	if k <= 0 {
		return 0, src, corrupt("no length")
	}
	return checkLength(n, src[k:], least)
}

func checkLength(n uint64, src []byte, least int) (int, []byte, error) {
	if limit := uint64(len(src)); n > limit || least > 1 {
		if limit = math.MaxInt; least > 0 {
			limit = uint64(len(src) / least)
		}
		if n > limit {
			return 0, src, corrupt("a length of %d in front of %d bytes", n, len(src))
		}
	}
	return int(n), src, nil
}

// lengthOrNil is length for what can be nil.
func lengthOrNil(src []byte, least, depth int) (n int, isNil bool, rest []byte, err error) {
	u, k := binary.Uvarint(src)
	switch {
	case k == 1 && u == 0:
		return 0, true, src[1:], nil
	case k <= 0 || u == 0:
		return 0, false, src, corrupt("no length")
	case depth == 0:
		return 0, false, src, corrupt("nested too deeply")
	}
	n, rest, err = checkLength(u-1, src[k:], least)
	return n, false, rest, err
}

func decodeString(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	n, src, err := length(src, 1)
	if err != nil {
		return src, err
	}
	*(*string)(p) = string(src[:n])
	return src[n:], nil
}

// lend decodes a part of a value, and hides from it the least that the parts after it will take: a length in it then
// cannot count bytes that a length around it has counted. Else n nested lengths could each make memory for all that is left.
// It is for parts that nest.
func (p *Plan) lend(src []byte, at unsafe.Pointer, depth, after int) ([]byte, error) {
	if len(src) < after {
		return src, corrupt("%d bytes where at least %d more must come", len(src), after)
	}
	rest, err := p.dec(src[:len(src)-after], at, depth)
	if err != nil {
		return src, err
	}
	return rest[:len(rest)+after], nil
}

func decodeArray(n int, elem *Plan) decoder {
	size := elem.typ.Size()
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		var err error
		for i := range n {
			if at := unsafe.Add(p, uintptr(i)*size); elem.nests {
				src, err = elem.lend(src, at, depth, (n-1-i)*elem.min)
			} else {
				src, err = elem.dec(src, at, depth)
			}
			if err != nil {
				return src, err
			}
		}
		return src, nil
	}
}

// present reads the byte that tells nil from a value, of which at least so many bytes follow.
func present(src []byte, least, depth int) (bool, []byte, error) {
	switch {
	case len(src) == 0 || src[0] > 1:
		return false, src, corrupt("neither nil nor a value")
	case src[0] == 0:
		return false, src[1:], nil
	case depth == 0:
		return false, src, corrupt("nested too deeply")
	case len(src)-1 < least:
		return false, src, corrupt("%d bytes for a value of at least %d", len(src)-1, least)
	}
	return true, src[1:], nil
}

func decodePointer(t reflect.Type, elem *Plan) decoder {
	to := t.Elem()
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		ok, src, err := present(src, elem.min, depth)
		if err != nil || !ok {
			return src, err
		}
		v := reflect.New(to).UnsafePointer()
		*(*unsafe.Pointer)(p) = v
		return elem.dec(src, v, depth-1)
	}
}

func decodeStruct(fields []field) decoder {
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		var err error
		for i := range fields {
			f := &fields[i]
			if at := unsafe.Add(p, f.offset); f.after > 0 {
				src, err = f.plan.lend(src, at, depth, f.after)
			} else {
				src, err = f.plan.dec(src, at, depth)
			}
			if err != nil {
				return src, err
			}
		}
		return src, nil
	}
}

func decodeInterface(t reflect.Type) decoder {
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		ok, src, err := present(src, 1, depth)
		if err != nil || !ok {
			return src, err
		}
		n, src, err := length(src, 1)
		if err != nil {
			return src, err
		}
		r, ok := registeredName(src[:n])
		if !ok || !r.typ.AssignableTo(t) {
			return src, corrupt("no type %.100q for an %s", src[:n], t)
		}
		if src = src[n:]; len(src) < r.plan.min {
			return src, corrupt("%d bytes for a %s", len(src), r.typ)
		}
		v := reflect.New(r.typ)
		src, err = r.plan.dec(src, v.UnsafePointer(), depth-1)
		if err == nil {
			reflect.NewAt(t, p).Elem().Set(v.Elem())
		}
		return src, err
	}
}

func decodeError(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
	ok, src, err := present(src, 0, depth)
	if err != nil || !ok {
		return src, err
	}
	if hooks.decode == nil {
		return src, corrupt("an error, and no way to decode it")
	}
	v, src, err := hooks.decode(src, depth-1)
	*(*error)(p) = v
	return src, err
}
