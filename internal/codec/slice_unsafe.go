package codec

import (
	"reflect"
	"unsafe"
)

// growth is how many bytes may be allocated for each byte received, at once: enough for any slice of strings or
// slices. A slice that would need more grows as its elements come.
const growth = 32

// trusted is how many of n things of so many bytes are allocated in advance, given what is left of the input.
func trusted(n int, size uintptr, src []byte) int {
	if uint64(n)*uint64(size) <= growth*uint64(len(src)) {
		return n
	}
	return min(n, growth*len(src)/int(size)+1)
}

func decodeSlice(t reflect.Type, elem *Plan) decoder {
	size := t.Elem().Size()
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		n, isNil, src, err := lengthOrNil(src, elem.min, depth)
		if err != nil || isNil {
			return src, err
		}
		if elem.flat {
			bytes := n * int(size)
			*(*slice)(p) = slice{copyFlat(src[:bytes]), n, n}
			return src[bytes:], nil
		}
		now := trusted(n, size, src)
		data := makeSlice(t, now)
		*(*slice)(p) = slice{data, now, now}
		for i := range n {
			if i == now {
				now = min(n, 2*now)
				more := reflect.MakeSlice(t, now, now)
				reflect.Copy(more, reflect.NewAt(t, p).Elem())
				data = more.UnsafePointer()
				*(*slice)(p) = slice{data, now, now}
			}
			if at := unsafe.Add(data, uintptr(i)*size); elem.nests {
				src, err = elem.lend(src, at, depth-1, (n-1-i)*elem.min)
			} else {
				src, err = elem.dec(src, at, depth-1)
			}
			if err != nil {
				return src, err
			}
		}
		return src, nil
	}
}

// makeSlice returns the elements of a new slice; reflect needs an allocation more, for the slice itself.
func makeSlice(t reflect.Type, n int) unsafe.Pointer {
	if t.Elem().Kind() == reflect.String {
		return unsafe.Pointer(unsafe.SliceData(make([]string, n)))
	}
	return reflect.MakeSlice(t, n, n).UnsafePointer()
}

// copyFlat returns a copy that is aligned for any type without pointers.
func copyFlat(src []byte) unsafe.Pointer {
	n := len(src)
	if n < 1<<10 {
		words := make([]uint64, (n+7)/8)
		data := unsafe.Pointer(unsafe.SliceData(words))
		copy(unsafe.Slice((*byte)(data), n), src)
		return data
	}
	// An allocation of this size starts at a multiple of 8 whatever it is for. The compiler leaves out the clearing
	// of what the next line overwrites.
	b := make([]byte, n)
	copy(b, src)
	return unsafe.Pointer(unsafe.SliceData(b))
}
