package manager

import (
	"context"
	"iter"
	"math"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/codec"
)

// A List is a sequence that lives in the server. An index that is negative counts from the end: -1 is the last element. One
// that points at no element is ErrNotFound, except where a method says that it is clamped: then what is beyond an end is that end, as in
// slices of Python. Elements are copies, and may be or contain proxies of other objects, as the values of a Dict. To add and to remove at
// the end, and to remove at the front, costs the same however long the List is. Each method is one atomic step in the server; all are
// safe for concurrent use.
type List[T any] struct {
	proxy

	element codec.Codec[T]
}

// NewList makes a List of some elements. It is an error, which names the field, if T cannot cross a process boundary.
func NewList[T any](m *Manager, elements ...T) (*List[T], error) {
	l, err := listOf[T]()
	if err != nil {
		return nil, err
	}
	return newProxy(m, l, &l.proxy, kindList, l.signature(), func(r *request) { addAll(r, l.element, elements) })
}

func listOf[T any]() (l *List[T], err error) {
	l = new(List[T])
	l.element, err = codecFor[T]("an element")
	return l, err
}

func (l *List[T]) signature() uint64 { return signature(l.element.Plan()) }

// Append adds elements at the end, in one step: all of them, or none.
func (l *List[T]) Append(ctx context.Context, elements ...T) error {
	return do(ctx, addAll(l.ask(listAppend), l.element, elements))
}

// At is the element at an index.
func (l *List[T]) At(ctx context.Context, i int) (T, error) {
	return get(ctx, l.read(listAt).int(i), l.element)
}

// Set replaces the element at an index.
func (l *List[T]) Set(ctx context.Context, i int, element T) error {
	r := add(l.ask(listSet).int(i), l.element, &element)
	r.safe = true
	return do(ctx, r)
}

// Insert puts an element in front of the one at an index, which is clamped.
func (l *List[T]) Insert(ctx context.Context, i int, element T) error {
	return do(ctx, add(l.ask(listInsert).int(i), l.element, &element))
}

// Pop removes the element at an index, and returns it.
func (l *List[T]) Pop(ctx context.Context, i int) (T, error) {
	return get(ctx, l.ask(listPop).int(i), l.element)
}

// Remove removes the first element that encodes as the given one does. It is ErrNotFound if there is none.
func (l *List[T]) Remove(ctx context.Context, element T) error {
	return do(ctx, add(l.ask(listRemove), l.element, &element))
}

// Delete removes the elements from one index up to another, both clamped.
func (l *List[T]) Delete(ctx context.Context, from, to int) error {
	return do(ctx, l.ask(listDelete).int(from).int(to))
}

// Clear removes all elements.
func (l *List[T]) Clear(ctx context.Context) error { return do(ctx, l.ask(listClear)) }

// Len is how many elements there are.
func (l *List[T]) Len(ctx context.Context) (int, error) { return getInt(ctx, l.read(listLen)) }

// Index is where the first element is that encodes as the given one does. It is ErrNotFound if there is none.
func (l *List[T]) Index(ctx context.Context, element T) (int, error) {
	return getInt(ctx, add(l.read(listIndex), l.element, &element))
}

// Count is how many elements encode as the given one does.
func (l *List[T]) Count(ctx context.Context, element T) (int, error) {
	return getInt(ctx, add(l.read(listCount), l.element, &element))
}

// Slice is a copy of the elements from one index up to another, both clamped.
func (l *List[T]) Slice(ctx context.Context, from, to int) ([]T, error) {
	return collect(l.part(ctx, from, to))
}

// Copy is a copy of all elements at one moment.
func (l *List[T]) Copy(ctx context.Context) ([]T, error) { return l.Slice(ctx, 0, math.MaxInt) }

// All is a snapshot of the List. It is taken when the loop begins, and travels in pages; the loop ends after an error. It may be used more
// than once, each time with a new snapshot.
func (l *List[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) { l.part(ctx, 0, math.MaxInt)(yield) }
}

func (l *List[T]) part(ctx context.Context, from, to int) iter.Seq2[T, error] {
	return pages(ctx, l.read(listSlice).int(from).int(to), func(a *reader) (T, error) { return decode(l.element, a.bytes()) })
}

// Reverse turns the order around.
func (l *List[T]) Reverse(ctx context.Context) error { return do(ctx, l.ask(listReverse)) }

// Sort sorts the List, in the server and in one atomic step; elements that are equal stay in their order. fn compares as the
// functions of slices.SortFunc do. It must be registered in the server's program, too. It runs without a lock, and the sorting
// begins again if the List was changed meanwhile. An error or a panic of fn, or the end of ctx, leaves the List as it was.
func (l *List[T]) Sort(ctx context.Context, fn *mp.Function[mp.Args2[T, T], int]) error {
	return do(ctx, function(l.ask(listSort), fn))
}

// CompareAndSwap replaces the element at an index if it encodes as old does, and reports whether it did. Elements with maps in them may
// encode differently each time.
func (l *List[T]) CompareAndSwap(ctx context.Context, i int, old, replacement T) (bool, error) {
	return getBool(ctx, add(add(l.ask(listSwap).int(i), l.element, &old), l.element, &replacement))
}

// Compute replaces the element at an index by what fn makes of it, as Dict.Compute does, and returns the new one. If another element is at
// the index then, fn is called again, with that.
func (l *List[T]) Compute(ctx context.Context, i int, fn *mp.Function[T, T]) (T, error) {
	return compute(ctx, l.ask(listCompute).int(i), fn, l.element, nil)
}

// MarshalBinary implements encoding.BinaryMarshaler: the proxy travels.
func (l *List[T]) MarshalBinary() ([]byte, error) { return l.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (l *List[T]) UnmarshalBinary(b []byte) error {
	fresh, err := listOf[T]()
	if err != nil {
		return err
	}
	*l = *fresh
	return l.unmarshal(b, kindList, l.signature())
}

// String names the List.
func (l *List[T]) String() string { return l.name("List") }
