package shared

import (
	"errors"
	"fmt"
	"math"
	"reflect"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/arena"
)

// An Array is n values of T that all processes see: the same pages. T is of fixed size and has no pointers. Access by several
// processes needs a lock, as between goroutines; Mutex is one that belongs to the array. A page costs some microseconds when a process
// touches it for the first time, and nothing after that: then it is as fast as a slice.
type Array[T any] struct {
	handle
	data []T   // the memory itself
	span *span // which elements of the array these are, if it is a range; else nil
}

func init() {
	arena.Kinds[kindArray] = arena.Kind{}
}

// NewArray makes an array of n zero values. It is an error, which names the field, if T is not of fixed size or has pointers.
func NewArray[T any](n int) (*Array[T], error) {
	t := reflect.TypeFor[T]()
	if err := fixed(t); err != nil {
		return nil, err
	}
	if n < 0 || t.Size() > 0 && uint64(n) > math.MaxInt64/uint64(t.Size()) {
		return nil, fmt.Errorf("mp/shared: NewArray: %d elements: %w", n, ErrBound)
	}
	h, err := newObject("NewArray", kindArray, uint64(n)*uint64(t.Size()), func(_ *arena.Arena, c *abi.Cell) {
		c.Type.Store(typeHash(t))
		c.A.Store(uint64(n))
	})
	if err != nil {
		return nil, err
	}
	return openArray[T](h, nil)
}

// ArrayOf makes an array with a copy of values.
func ArrayOf[T any](values []T) (*Array[T], error) {
	a, err := NewArray[T](len(values))
	if err == nil {
		copy(a.data, values)
	}
	return a, err
}

// openArray finds the memory of an array, or of a range of it.
func openArray[T any](h handle, s *span) (*Array[T], error) {
	a := &Array[T]{handle: h, span: s}
	if h.check() != nil {
		return a, nil //nolint:nilerr // its use tells
	}
	if h.cell.Type.Load() != typeHash(reflect.TypeFor[T]()) {
		return nil, errCorrupt
	}
	if a.data = values[T](h.a, h.cell.Offset.Load(), h.cell.A.Load()); a.data == nil {
		return nil, errDamaged
	}
	if s != nil {
		if s.to > uint64(len(a.data)) {
			return nil, errCorrupt
		}
		a.data = a.data[s.from:s.to:s.to]
	}
	return a, nil
}

// Len is the number of elements, 0 of a freed or detached array.
func (a *Array[T]) Len() int { return len(a.Slice()) }

// Slice is the array's memory itself, nil of a freed or detached array. It must not be used after Free.
func (a *Array[T]) Slice() []T {
	if a.check() != nil {
		return nil
	}
	return a.data
}

// At is element i. It panics if there is none, and with ErrClosed or ErrDetached if the array is not there.
func (a *Array[T]) At(i int) T {
	a.must()
	return a.data[i]
}

// Set sets element i, and panics as At does.
func (a *Array[T]) Set(i int, v T) {
	a.must()
	a.data[i] = v
}

func (a *Array[T]) must() {
	if err := a.check(); err != nil {
		panic(fmt.Errorf("%w: an Array was used", err))
	}
}

// Mutex is the lock that belongs to the array. It is no other object's, and goes with it: to free it
// is to free the array.
func (a *Array[T]) Mutex() *Mutex { return &Mutex{a.handle} }

// String names the array and its size.
func (a *Array[T]) String() string {
	name, ok := a.name("Array")
	if !ok {
		return name
	}
	if a.span != nil {
		name = fmt.Sprintf("%s[%d:%d]", name, a.span.from, a.span.to)
	}
	return fmt.Sprintf("%s(%d of %s)", name, len(a.data), reflect.TypeFor[T]())
}

// MarshalBinary implements encoding.BinaryMarshaler: what travels is the handle.
func (a *Array[T]) MarshalBinary() ([]byte, error) {
	b, err := a.marshal()
	if err == nil && a.span != nil {
		b = a.span.appendTo(b)
	}
	return b, err
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (a *Array[T]) UnmarshalBinary(b []byte) error {
	var h handle
	b, s := cutSpan(b)
	if err := h.unmarshal(b, kindArray); err != nil {
		return err
	}
	opened, err := openArray[T](h, s)
	if err != nil {
		return errors.Join(err, fmt.Errorf("mp/shared: the array is of another type than %s", reflect.TypeFor[T]()))
	}
	*a = *opened
	return nil
}
