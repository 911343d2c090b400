package codec

import (
	"encoding"
	"encoding/binary"
	"fmt"
	"reflect"
	"unsafe"
)

// A decoder sets the zero value at p from the front of src, and returns the rest.
type decoder func(src []byte, p unsafe.Pointer, depth int) ([]byte, error)

// Decode sets *v from the front of src and returns the rest. After an error *v is part old, part new.
func (c Codec[T]) Decode(src []byte, v *T) (rest []byte, err error) {
	if !c.plan.flat {
		var zero T
		*v = zero
	}
	return c.plan.dec(src, unsafe.Pointer(v), MaxDepth)
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

func decodeBool(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	if len(src) == 0 || src[0] > 1 {
		return src, corrupt("no bool")
	}
	*(*bool)(p) = src[0] == 1
	return src[1:], nil
}

// length reads a length of things that take at least least bytes each.
func length(src []byte, least int) (int, []byte, error) {
	n, k := binary.Uvarint(src)
	if k <= 0 {
		return 0, src, corrupt("no length")
	}
	src = src[k:]
	limit := uint64(maxEmpty)
	if least > 0 {
		limit = uint64(len(src) / least)
	}
	if n > limit {
		return 0, src, corrupt("a length of %d in front of %d bytes", n, len(src))
	}
	return int(n), src, nil
}

// maxEmpty is how many elements without any bytes a slice may have.
const maxEmpty = 1 << 16

// lengthOrNil is length for what can be nil.
func lengthOrNil(src []byte, least int) (n int, isNil bool, rest []byte, err error) {
	if len(src) > 0 && src[0] == 0 {
		return 0, true, src[1:], nil
	}
	u, k := binary.Uvarint(src)
	if k <= 0 || u == 0 {
		return 0, false, src, corrupt("no length")
	}
	src = src[k:]
	limit := uint64(maxEmpty)
	if least > 0 {
		limit = uint64(len(src) / least)
	}
	if u-1 > limit {
		return 0, false, src, corrupt("a length of %d in front of %d bytes", u-1, len(src))
	}
	return int(u - 1), false, src, nil
}

func decodeString(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	n, src, err := length(src, 1)
	if err != nil {
		return src, err
	}
	*(*string)(p) = string(src[:n])
	return src[n:], nil
}

func decodeSlice(t reflect.Type, elem *Plan) decoder {
	size := t.Elem().Size()
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		n, isNil, src, err := lengthOrNil(src, elem.min)
		if err != nil || isNil {
			return src, err
		}
		if depth == 0 {
			return src, corrupt("nested too deeply")
		}
		if size == 1 && elem.flat {
			b := make([]byte, n)
			copy(b, src)
			*(*[]byte)(p) = b
			return src[n:], nil
		}
		v := reflect.MakeSlice(t, n, n)
		reflect.NewAt(t, p).Elem().Set(v)
		data := v.UnsafePointer()
		if elem.flat {
			bytes := n * int(size)
			copy(unsafe.Slice((*byte)(data), bytes), src)
			return src[bytes:], nil
		}
		for i := range n {
			if src, err = elem.dec(src, unsafe.Add(data, uintptr(i)*size), depth-1); err != nil {
				return src, err
			}
		}
		return src, nil
	}
}

func decodeArray(n int, elem *Plan) decoder {
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		size := elem.typ.Size()
		var err error
		for i := range n {
			if src, err = elem.dec(src, unsafe.Add(p, uintptr(i)*size), depth); err != nil {
				return src, err
			}
		}
		return src, nil
	}
}

// present reads the byte that tells nil from a value.
func present(src []byte, depth int) (bool, []byte, error) {
	switch {
	case len(src) == 0 || src[0] > 1:
		return false, src, corrupt("neither nil nor a value")
	case src[0] == 1 && depth == 0:
		return false, src, corrupt("nested too deeply")
	}
	return src[0] == 1, src[1:], nil
}

func decodePointer(t reflect.Type, elem *Plan) decoder {
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		ok, src, err := present(src, depth)
		if err != nil || !ok {
			return src, err
		}
		v := reflect.New(t.Elem())
		*(*unsafe.Pointer)(p) = v.UnsafePointer()
		return elem.dec(src, v.UnsafePointer(), depth-1)
	}
}

func decodeStruct(fields []field) decoder {
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		var err error
		for i := range fields {
			f := &fields[i]
			if src, err = f.plan.dec(src, unsafe.Add(p, f.offset), depth); err != nil {
				return src, err
			}
		}
		return src, nil
	}
}

func decodeMap(t reflect.Type, key, value *Plan) decoder {
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		n, isNil, src, err := lengthOrNil(src, key.min+value.min)
		if err != nil || isNil {
			return src, err
		}
		if depth == 0 {
			return src, corrupt("nested too deeply")
		}
		m := reflect.MakeMapWithSize(t, n)
		reflect.NewAt(t, p).Elem().Set(m)
		k, v := reflect.New(t.Key()), reflect.New(t.Elem())
		for range n {
			k.Elem().SetZero()
			v.Elem().SetZero()
			if src, err = key.dec(src, k.UnsafePointer(), depth-1); err != nil {
				return src, err
			}
			if src, err = value.dec(src, v.UnsafePointer(), depth-1); err != nil {
				return src, err
			}
			if !k.Elem().Comparable() {
				return src, corrupt("a map key of type %s", k.Elem().Type())
			}
			m.SetMapIndex(k.Elem(), v.Elem())
		}
		return src, nil
	}
}

func marshalled(src []byte) (body, rest []byte, err error) {
	n, src, err := length(src, 1)
	if err != nil {
		return nil, src, err
	}
	// A copy: an unmarshaller may keep what it gets.
	return append([]byte(nil), src[:n]...), src[n:], nil
}

func decodeBinary(t reflect.Type) decoder {
	return func(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
		body, rest, err := marshalled(src)
		if err != nil {
			return src, err
		}
		if err := reflect.NewAt(t, p).Interface().(encoding.BinaryUnmarshaler).UnmarshalBinary(body); err != nil {
			return rest, fmt.Errorf("unmarshalling a %s: %w", t, err)
		}
		return rest, nil
	}
}

func decodeText(t reflect.Type) decoder {
	return func(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
		body, rest, err := marshalled(src)
		if err != nil {
			return src, err
		}
		if err := reflect.NewAt(t, p).Interface().(encoding.TextUnmarshaler).UnmarshalText(body); err != nil {
			return rest, fmt.Errorf("unmarshalling a %s: %w", t, err)
		}
		return rest, nil
	}
}

func decodeInterface(t reflect.Type) decoder {
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		ok, src, err := present(src, depth)
		if err != nil || !ok {
			return src, err
		}
		n, src, err := length(src, 1)
		if err != nil {
			return src, err
		}
		r, ok := registeredName(string(src[:n]))
		if !ok || !r.typ.AssignableTo(t) {
			return src, corrupt("no type %q for an %s", src[:n], t)
		}
		v := reflect.New(r.typ)
		src, err = r.plan.dec(src[n:], v.UnsafePointer(), depth-1)
		if err == nil {
			reflect.NewAt(t, p).Elem().Set(v.Elem())
		}
		return src, err
	}
}

func decodeError(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
	ok, src, err := present(src, depth)
	if err != nil || !ok {
		return src, err
	}
	if hooks.decode == nil {
		return src, corrupt("an error, and no way to decode it")
	}
	v, src, err := hooks.decode(src)
	*(*error)(p) = v
	return src, err
}
