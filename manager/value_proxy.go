package manager

import (
	"context"
	"fmt"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/codec"
	"github.com/go-multiproc/mp/shared"
)

// A Value is one value of T that lives in the server; it may be, or contain, the proxy of another object. Each method is one atomic step in
// the server; all are safe for concurrent use.
type Value[T any] struct {
	proxy

	v codec.Codec[T]
}

// Integer is what Add adds to.
type Integer = shared.Integer

// NewValue makes a Value. It is an error, which names the field, if T cannot cross a process boundary.
func NewValue[T any](m *Manager, v T) (*Value[T], error) {
	x, err := valueOf[T]()
	if err != nil {
		return nil, err
	}
	return newProxy(m, x, &x.proxy, kindValue, x.signature(), func(r *request) { add(r, x.v, &v) })
}

func valueOf[T any]() (x *Value[T], err error) {
	x = new(Value[T])
	x.v, err = codecFor[T]("a value")
	return x, err
}

func (x *Value[T]) signature() uint64 { return signature(x.v.Plan()) }

// Load returns the value.
func (x *Value[T]) Load(ctx context.Context) (T, error) { return get(ctx, x.read(valueLoad), x.v) }

// Store sets the value.
func (x *Value[T]) Store(ctx context.Context, v T) error {
	return do(ctx, add(x.ask(valueStore), x.v, &v))
}

// Swap sets the value and returns the one before.
func (x *Value[T]) Swap(ctx context.Context, v T) (before T, err error) {
	return get(ctx, add(x.ask(valueSwap), x.v, &v), x.v)
}

// CompareAndSwap sets the value to a new one if it encodes as old does, and reports whether it did. Values with maps in them may encode
// differently each time.
func (x *Value[T]) CompareAndSwap(ctx context.Context, old, replacement T) (bool, error) {
	return getBool(ctx, add(add(x.ask(valueCompareAndSwap), x.v, &old), x.v, &replacement))
}

// Update sets the value to what fn makes of it, as Dict.Compute does, and returns that.
func (x *Value[T]) Update(ctx context.Context, fn *mp.Function[T, T]) (T, error) {
	return compute(ctx, x.ask(valueCompute), fn, x.v, nil)
}

// Add adds delta to a Value in one step, and returns the sum; it wraps around as T does. T must have no marshaller.
func Add[T Integer](ctx context.Context, x *Value[T], delta T) (T, error) {
	r := add(x.ask(valueAdd), x.v, &delta)
	if _, ok := x.v.Plan().FixedSize(); !ok && r.err == nil {
		r.err = fmt.Errorf("mp/manager: Add: a %T is not encoded as a number", delta)
	}
	return get(ctx, r, x.v)
}

// MarshalBinary implements encoding.BinaryMarshaler: the proxy travels.
func (x *Value[T]) MarshalBinary() ([]byte, error) { return x.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (x *Value[T]) UnmarshalBinary(b []byte) error {
	fresh, err := valueOf[T]()
	if err != nil {
		return err
	}
	*x = *fresh
	return x.unmarshal(b, kindValue, x.signature())
}

// String names the Value.
func (x *Value[T]) String() string { return x.name("Value") }
