package codec

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"unsafe"
)

// An encoder appends the value at p. depth is how many levels are left.
type encoder func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error)

// Append appends the encoding of *v. On an error it returns dst as it was. A panic of a marshaller passes through.
func (c Codec[T]) Append(dst []byte, v *T) ([]byte, error) { return c.AppendWithin(dst, v, MaxDepth) }

// AppendWithin is Append of a part of something, which may be nested no deeper than depth.
func (c Codec[T]) AppendWithin(dst []byte, v *T, depth int) ([]byte, error) {
	out, err := c.plan.enc(dst, unsafe.Pointer(v), max(depth, 0))
	if err != nil {
		GiveUp(out[min(len(dst), len(out)):])
		return dst, err
	}
	return out, nil
}

// Memory is the memory of *v, if that is its encoding, whatever is in it; else nil. A type without memory has none.
func (c Codec[T]) Memory(v *T) []byte {
	if !c.plan.flat || c.plan.fixed == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))
}

// Run appends the encodings of all values of v, if that is what their memory is; see Flat.
func (c Codec[T]) Run(dst []byte, v []T) []byte {
	return append(dst, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*c.plan.fixed)...)
}

// Flat is the number of bytes of a value if its memory is its encoding, whatever is in it; else, and for a type without memory, 0.
func (c Codec[T]) Flat() int {
	if !c.plan.flat {
		return 0
	}
	return c.plan.fixed
}

// View is the encoding of *v as head, for which it is given memory, and a body that is memory of the value itself: of a
// flat type, a string, or a slice of a flat type. Others have none.
func (c Codec[T]) View(v *T, head []byte) (h, body []byte, ok bool) {
	switch p := c.plan; {
	case p.flat:
		return nil, unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v)), true
	case p.view == viewString:
		s := *(*string)(unsafe.Pointer(v))
		return binary.AppendUvarint(head, uint64(len(s))), unsafe.Slice(unsafe.StringData(s), len(s)), true
	case p.view == viewSlice && p.parts[0].plan.flat:
		s := (*slice)(unsafe.Pointer(v))
		if s.data == nil {
			return append(head, 0), nil, true
		}
		return binary.AppendUvarint(head, uint64(s.len)+1), unsafe.Slice((*byte)(s.data), s.len*p.parts[0].plan.fixed), true
	}
	return nil, nil, false
}

// What may be seen as memory and a length.
const (
	viewString uint8 = iota + 1
	viewSlice
)

func encodeFlat(size int) encoder {
	switch size {
	case 8:
		return func(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
			return append(dst, (*[8]byte)(p)[:]...), nil
		}
	case 0:
		return func(dst []byte, _ unsafe.Pointer, _ int) ([]byte, error) { return dst, nil }
	}
	return func(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
		return append(dst, unsafe.Slice((*byte)(p), size)...), nil
	}
}

// encodeNothing is for structs with memory and nothing in it. They take a byte, so that a length is never larger than
// what follows it.
func encodeNothing(dst []byte, _ unsafe.Pointer, _ int) ([]byte, error) { return append(dst, 0), nil }

func encodeString(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	s := *(*string)(p)
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...), nil
}

// slice is how a slice lies in memory.
type slice struct {
	data unsafe.Pointer
	len  int
	cap  int
}

func encodeSlice(t reflect.Type, elem *Plan) encoder {
	size := t.Elem().Size()
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		s := (*slice)(p)
		switch {
		case s.data == nil:
			return append(dst, 0), nil
		case depth == 0:
			return dst, ErrCycle
		}
		dst = binary.AppendUvarint(dst, uint64(s.len)+1)
		if elem.flat {
			return append(dst, unsafe.Slice((*byte)(s.data), uintptr(s.len)*size)...), nil
		}
		var err error
		for i := range s.len {
			if dst, err = elem.enc(dst, unsafe.Add(s.data, uintptr(i)*size), depth-1); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}
}

func encodeArray(n int, elem *Plan) encoder {
	size := elem.typ.Size()
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		var err error
		for i := range n {
			if dst, err = elem.enc(dst, unsafe.Add(p, uintptr(i)*size), depth); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}
}

func encodePointer(elem *Plan) encoder {
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		to := *(*unsafe.Pointer)(p)
		switch {
		case to == nil:
			return append(dst, 0), nil
		case depth == 0:
			return dst, ErrCycle
		}
		return elem.enc(append(dst, 1), to, depth-1)
	}
}

func encodeStruct(fields []field) encoder {
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		var err error
		for i := range fields {
			f := &fields[i]
			if dst, err = f.plan.enc(dst, unsafe.Add(p, f.offset), depth); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}
}

func encodeInterface(t reflect.Type) encoder {
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		v := reflect.NewAt(t, p).Elem()
		switch {
		case v.IsNil():
			return append(dst, 0), nil
		case depth == 0:
			return dst, ErrCycle
		}
		v = v.Elem()
		r, err := registeredType(v.Type())
		if err != nil {
			return dst, err
		}
		dst = binary.AppendUvarint(append(dst, 1), uint64(len(r.name)))
		dst = append(dst, r.name...)
		box := reflect.New(v.Type())
		box.Elem().Set(v)
		return r.plan.enc(dst, box.UnsafePointer(), depth-1)
	}
}

func encodeError(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
	err := *(*error)(p)
	switch {
	case err == nil:
		return append(dst, 0), nil
	case depth == 0:
		return dst, ErrCycle
	case hooks.append == nil:
		return dst, fmt.Errorf("no way to encode an error of type %T", err)
	}
	return hooks.append(append(dst, 1), err, depth-1)
}
