package manager

import (
	"context"
	"errors"
	"iter"
	"runtime"

	"github.com/go-multiproc/mp/internal/codec"
)

// A Set is a set that lives in the server. Two elements are the same if they encode the same: +0 and -0 are two. What is made of two Sets is
// made in the server, without their elements travelling: the two must be in the same. Each method is one atomic step there, also
// one of two Sets; all are safe for concurrent use.
type Set[T comparable] struct {
	proxy

	element codec.Codec[T]
}

// NewSet makes a Set of some elements. It is an error, which names the field, if T cannot cross a process boundary.
func NewSet[T comparable](m *Manager, elements ...T) (*Set[T], error) {
	s, err := setOf[T]()
	if err != nil {
		return nil, err
	}
	return newProxy(m, s, &s.proxy, kindSet, s.signature(), func(r *request) {
		addAll(r.uint(setOfElements), s.element, elements)
	})
}

func setOf[T comparable]() (s *Set[T], err error) {
	s = new(Set[T])
	s.element, err = codecFor[T]("an element")
	return s, err
}

func (s *Set[T]) signature() uint64 { return signature(s.element.Plan()) }

// Add adds elements, in one step: all of them, or none. What is there already stays.
func (s *Set[T]) Add(ctx context.Context, elements ...T) error {
	return do(ctx, addAll(s.ask(setAdd), s.element, elements))
}

// Remove removes an element. It is ErrNotFound if it is not there.
func (s *Set[T]) Remove(ctx context.Context, element T) error {
	return do(ctx, add(s.ask(setRemove), s.element, &element))
}

// Discard removes those of the elements that are there, in one step.
func (s *Set[T]) Discard(ctx context.Context, elements ...T) error {
	return do(ctx, addAll(s.ask(setDiscard), s.element, elements))
}

// Pop removes an element, whichever, and returns it. It is ErrNotFound if there is none.
func (s *Set[T]) Pop(ctx context.Context) (T, error) { return get(ctx, s.ask(setPop), s.element) }

// Has reports whether an element is there.
func (s *Set[T]) Has(ctx context.Context, element T) (bool, error) {
	return getBool(ctx, add(s.read(setHas), s.element, &element))
}

// Len is how many elements there are.
func (s *Set[T]) Len(ctx context.Context) (int, error) { return getInt(ctx, s.read(setLen)) }

// Clear removes all elements.
func (s *Set[T]) Clear(ctx context.Context) error { return do(ctx, s.ask(setClear)) }

// Copy is a copy of the elements at one moment, in the order in which they came.
func (s *Set[T]) Copy(ctx context.Context) ([]T, error) { return collect(s.All(ctx)) }

// All is a snapshot of the Set, in the order in which the elements came. It is taken when the loop begins, and travels in pages; the loop
// ends after an error. It may be used more than once, each time with a new snapshot.
func (s *Set[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		pages(ctx, s.read(setAll), func(a *reader) (T, error) { return decode(s.element, a.bytes()) })(yield)
	}
}

// Union makes a Set, in the server, of the elements of both.
func (s *Set[T]) Union(ctx context.Context, other *Set[T]) (*Set[T], error) {
	return s.combine(ctx, setUnion, other)
}

// Intersect makes a Set, in the server, of the elements that both have.
func (s *Set[T]) Intersect(ctx context.Context, other *Set[T]) (*Set[T], error) {
	return s.combine(ctx, setIntersect, other)
}

// Difference makes a Set, in the server, of the elements that other has not.
func (s *Set[T]) Difference(ctx context.Context, other *Set[T]) (*Set[T], error) {
	return s.combine(ctx, setDifference, other)
}

// SymmetricDifference makes a Set, in the server, of the elements that only one of the two has.
func (s *Set[T]) SymmetricDifference(ctx context.Context, other *Set[T]) (*Set[T], error) {
	return s.combine(ctx, setSymmetricDifference, other)
}

func (s *Set[T]) combine(ctx context.Context, op uint64, other *Set[T]) (*Set[T], error) {
	defer runtime.KeepAlive(other)
	defer runtime.KeepAlive(s)
	if err := s.beside(other); err != nil {
		return nil, err
	}
	made, err := setOf[T]()
	if err != nil {
		return nil, err
	}
	return newProxyFor(ctx, &Manager{c: s.c}, made, &made.proxy, kindSet, s.sig, func(r *request) {
		r.uint(op).uint(s.id).uint(other.id)
	})
}

// Update adds the elements of other.
func (s *Set[T]) Update(ctx context.Context, other *Set[T]) error {
	return s.change(ctx, setUpdate, other)
}

// IntersectWith removes the elements that other has not.
func (s *Set[T]) IntersectWith(ctx context.Context, other *Set[T]) error {
	return s.change(ctx, setIntersectWith, other)
}

// DifferenceWith removes the elements that other has.
func (s *Set[T]) DifferenceWith(ctx context.Context, other *Set[T]) error {
	return s.change(ctx, setDifferenceWith, other)
}

// SymmetricDifferenceWith removes the elements that other has, and adds those that only other has.
func (s *Set[T]) SymmetricDifferenceWith(ctx context.Context, other *Set[T]) error {
	return s.change(ctx, setSymmetricDifferenceWith, other)
}

func (s *Set[T]) change(ctx context.Context, method uint8, other *Set[T]) error {
	defer runtime.KeepAlive(other)
	return do(ctx, s.pair(s.ask(method), other))
}

// IsSubset reports whether other has all elements.
func (s *Set[T]) IsSubset(ctx context.Context, other *Set[T]) (bool, error) {
	return s.compare(ctx, setIsSubset, other)
}

// IsSuperset reports whether all elements of other are there.
func (s *Set[T]) IsSuperset(ctx context.Context, other *Set[T]) (bool, error) {
	return s.compare(ctx, setIsSuperset, other)
}

// IsDisjoint reports whether no element is in both.
func (s *Set[T]) IsDisjoint(ctx context.Context, other *Set[T]) (bool, error) {
	return s.compare(ctx, setIsDisjoint, other)
}

// Equal reports whether both have the same elements.
func (s *Set[T]) Equal(ctx context.Context, other *Set[T]) (bool, error) {
	return s.compare(ctx, setEqual, other)
}

func (s *Set[T]) compare(ctx context.Context, method uint8, other *Set[T]) (bool, error) {
	defer runtime.KeepAlive(other)
	return getBool(ctx, s.pair(s.read(method), other))
}

// pair appends another set as an argument.
func (s *Set[T]) pair(r *request, other *Set[T]) *request {
	if r.err == nil {
		r.err = s.beside(other)
	}
	if r.err != nil {
		return r
	}
	return r.uint(other.id)
}

// beside reports two sets that are not in the same server.
func (s *Set[T]) beside(other *Set[T]) error {
	switch {
	case s.wire == nil || other == nil || other.wire == nil:
		return errZero
	case s.c == nil || other.c == nil:
		return ErrDetached
	case s.c.id != other.c.id:
		return errors.New("mp/manager: the two sets are in different servers")
	}
	return nil
}

// MarshalBinary implements encoding.BinaryMarshaler: the proxy travels.
func (s *Set[T]) MarshalBinary() ([]byte, error) { return s.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (s *Set[T]) UnmarshalBinary(b []byte) error {
	fresh, err := setOf[T]()
	if err != nil {
		return err
	}
	*s = *fresh
	return s.unmarshal(b, kindSet, s.signature())
}

// String names the Set.
func (s *Set[T]) String() string { return s.name("Set") }
