package shared

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// span is the part of an array that a range is, in elements of the whole.
type span struct{ from, to uint64 }

// spanSize is how much longer than a handle a range is on its way: from 8, to 8.
const spanSize = 16

var errRange = errors.New("mp/shared: a range is no array of its own: to free its memory is to free the array")

// Range is elements from to to-1 of the array, as an array: the same memory, not a copy. It travels as the array does, its Mutex is the
// array's, and a range of it is one of the array. Only the array itself can be freed: Free of a range is an error, and after Free of the
// array each use of a range is ErrClosed. It panics if there are no such elements, and as At does.
func (a *Array[T]) Range(from, to int) *Array[T] {
	a.must()
	if from < 0 || from > to || to > len(a.data) {
		panic(fmt.Errorf("mp/shared: Range(%d, %d) of an Array of %d", from, to, len(a.data)))
	}
	s := &span{uint64(from), uint64(to)}
	if a.span != nil {
		s.from += a.span.from
		s.to += a.span.from
	}
	return &Array[T]{handle: a.handle, data: a.data[from:to:to], span: s}
}

// Split is the array in n ranges, in their order, whose lengths differ by one at most: so that each worker gets a part. It panics if n
// is less than 1, and as At does.
func (a *Array[T]) Split(n int) []*Array[T] {
	a.must()
	if n < 1 {
		panic(fmt.Errorf("mp/shared: Split(%d) of an Array", n))
	}
	parts := make([]*Array[T], n)
	at := 0
	for i := range parts {
		size := (len(a.data) - at) / (n - i) // rounded down, the first parts are the shorter ones
		parts[i] = a.Range(at, at+size)
		at += size
	}
	return parts
}

// Free returns the array's memory, as that of any object. Of a range it is an error.
func (a *Array[T]) Free() error {
	if err := a.check(); err != nil {
		return err
	}
	if a.span != nil {
		return errRange
	}
	return a.handle.Free()
}

// appendTo appends what a range has beside its handle.
func (s *span) appendTo(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, s.from)
	return binary.LittleEndian.AppendUint64(b, s.to)
}

// cutSpan cuts it off again; b is nil, or not a handle, if it is not right.
func cutSpan(b []byte) ([]byte, *span) {
	if len(b) != handleSize+spanSize {
		return b, nil
	}
	s := &span{binary.LittleEndian.Uint64(b[handleSize:]), binary.LittleEndian.Uint64(b[handleSize+8:])}
	if s.from > s.to {
		return nil, nil
	}
	return b[:handleSize], s
}
