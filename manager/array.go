package manager

import (
	"context"
	"fmt"
	"iter"
	"math"
	"reflect"

	"github.com/go-multiproc/mp/internal/codec"
)

// An Array is n elements of T that live in the server. T is of fixed size: numbers, bools, arrays and structs of these. An index that
// is negative counts from the end; one that points at no element is ErrNotFound. Each method is one atomic step in the server; all are safe
// for concurrent use. The arrays of package shared are faster by far.
type Array[T any] struct {
	proxy

	element codec.Codec[T]
	size    int // of an element's encoding
}

// NewArray makes an Array of n zero values. It is an error if T is not of fixed size, and ErrLimit if all together are more than
// Config.MaxMessage bytes.
func NewArray[T any](m *Manager, n int) (*Array[T], error) {
	a, err := arrayOf[T]()
	if err != nil {
		return nil, err
	}
	if n < 0 {
		return nil, fmt.Errorf("mp/manager: NewArray: %d elements", n)
	}
	return newProxy(m, a, &a.proxy, kindArray, a.signature(), func(r *request) { r.uint(uint64(n)).uint(uint64(a.size)) })
}

func arrayOf[T any]() (a *Array[T], err error) {
	a = new(Array[T])
	if a.element, err = codecFor[T]("an element"); err != nil {
		return nil, err
	}
	var ok bool
	if a.size, ok = a.element.Plan().FixedSize(); !ok || a.size == 0 {
		return nil, fmt.Errorf("mp/manager: an Array of %s: its elements are not all of one size", reflect.TypeFor[T]())
	}
	return a, nil
}

func (a *Array[T]) signature() uint64 { return signature(a.element.Plan()) }

// Len is how many elements there are, which never changes.
func (a *Array[T]) Len(ctx context.Context) (int, error) { return getInt(ctx, a.read(arrayLen)) }

// At is the element at an index.
func (a *Array[T]) At(ctx context.Context, i int) (T, error) {
	return get(ctx, a.read(arrayAt).int(i), a.element)
}

// Set replaces the element at an index.
func (a *Array[T]) Set(ctx context.Context, i int, element T) error {
	return do(ctx, add(a.ask(arraySet).int(i), a.element, &element))
}

// Slice is a copy of the elements from one index up to another, both clamped: what is beyond an end is that end, as in slices of Python.
func (a *Array[T]) Slice(ctx context.Context, from, to int) ([]T, error) {
	all := []T{}
	for chunk, err := range a.chunks(ctx, from, to) {
		if err != nil {
			return nil, err
		}
		all = append(all, chunk...)
	}
	return all, nil
}

// SetSlice replaces the elements from an index on, in one step: all of them, or none. It is ErrNotFound if there are not so many.
func (a *Array[T]) SetSlice(ctx context.Context, from int, elements []T) error {
	r := a.ask(arraySetSlice).int(from).uint(uint64(len(elements)) * uint64(a.size))
	for i := range elements {
		if r.err == nil {
			r.buf, r.err = a.element.Append(r.buf, &elements[i])
		}
	}
	return do(ctx, r)
}

// All is a snapshot of the Array. It is taken when the loop begins, and travels in pages; the loop ends after an error. It may be used more
// than once, each time with a new snapshot.
func (a *Array[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for chunk, err := range a.chunks(ctx, 0, math.MaxInt) {
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for _, v := range chunk {
				if !yield(v, nil) {
					return
				}
			}
		}
	}
}

// chunks are the elements of a part, many at a time.
func (a *Array[T]) chunks(ctx context.Context, from, to int) iter.Seq2[[]T, error] {
	return pages(ctx, a.read(arraySlice).int(from).int(to), func(r *reader) ([]T, error) {
		b := r.bytes()
		chunk := make([]T, len(b)/a.size)
		var err error
		for i := range chunk {
			if b, err = a.element.Decode(b, &chunk[i]); err != nil {
				return nil, fmt.Errorf("mp/manager: decoding: %w", err)
			}
		}
		if len(b) > 0 {
			return nil, errMessage
		}
		return chunk, nil
	})
}

// MarshalBinary implements encoding.BinaryMarshaler: the proxy travels.
func (a *Array[T]) MarshalBinary() ([]byte, error) { return a.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (a *Array[T]) UnmarshalBinary(b []byte) error {
	fresh, err := arrayOf[T]()
	if err != nil {
		return err
	}
	*a = *fresh
	return a.unmarshal(b, kindArray, a.signature())
}

// String names the Array.
func (a *Array[T]) String() string { return a.name("Array") }
