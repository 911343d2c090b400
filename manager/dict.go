package manager

import (
	"context"
	"iter"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/codec"
)

// A Dict is a map that lives in the server, with its keys in the order in which they came. Two keys are the same if they encode the same: +0
// and -0 are two keys. Values are copies: what is done to a value that Get returned changes nothing in the Dict, but a value may
// be, or contain, the proxy of another object. Each method is one atomic step in the server; all are safe for concurrent use.
type Dict[K comparable, V any] struct {
	proxy

	k codec.Codec[K]
	v codec.Codec[V]
}

// An Entry is a key and its value.
type Entry[K comparable, V any] struct {
	Key   K
	Value V
}

// NewDict makes an empty Dict. It is an error, which names the field, if K or V cannot cross a process boundary.
func NewDict[K comparable, V any](m *Manager) (*Dict[K, V], error) {
	d, err := dictOf[K, V]()
	if err != nil {
		return nil, err
	}
	return newProxy(m, d, &d.proxy, kindDict, d.signature(), func(r *request) { r.uint(0) })
}

func dictOf[K comparable, V any]() (d *Dict[K, V], err error) {
	d = new(Dict[K, V])
	if d.k, err = codecFor[K]("a key"); err == nil {
		d.v, err = codecFor[V]("a value")
	}
	return d, err
}

func (d *Dict[K, V]) signature() uint64 { return signature(d.k.Plan(), d.v.Plan()) }

// Get returns the value of a key. It is ErrNotFound if there is none.
func (d *Dict[K, V]) Get(ctx context.Context, key K) (V, error) {
	return get(ctx, add(d.read(dictGet), d.k, &key), d.v)
}

// Has reports whether there is a key.
func (d *Dict[K, V]) Has(ctx context.Context, key K) (bool, error) {
	return getBool(ctx, add(d.read(dictHas), d.k, &key))
}

// Set sets the value of a key.
func (d *Dict[K, V]) Set(ctx context.Context, key K, v V) error {
	return do(ctx, add(add(d.ask(dictSet), d.k, &key), d.v, &v))
}

// SetDefault returns the value of a key, which it sets to v if there is none.
func (d *Dict[K, V]) SetDefault(ctx context.Context, key K, v V) (V, error) {
	return get(ctx, add(add(d.ask(dictSetDefault), d.k, &key), d.v, &v), d.v)
}

// Delete removes a key. It is ErrNotFound if there is none.
func (d *Dict[K, V]) Delete(ctx context.Context, key K) error {
	return do(ctx, add(d.ask(dictDelete), d.k, &key))
}

// Pop removes a key and returns its value. It is ErrNotFound if there is none.
func (d *Dict[K, V]) Pop(ctx context.Context, key K) (V, error) {
	return get(ctx, add(d.ask(dictPop), d.k, &key), d.v)
}

// PopItem removes the key that came last and returns it with its value. It is ErrNotFound if the Dict is empty.
func (d *Dict[K, V]) PopItem(ctx context.Context) (Entry[K, V], error) {
	r := d.ask(dictPopItem)
	defer r.done()
	if err := r.send(ctx); err != nil {
		return Entry[K, V]{}, err
	}
	a := r.answer()
	return d.entry(&a)
}

// entry reads a key and its value.
func (d *Dict[K, V]) entry(a *reader) (e Entry[K, V], err error) {
	key, v := a.bytes(), a.bytes()
	if a.bad {
		return e, errMessage
	}
	if e.Key, err = decode(d.k, key); err == nil {
		e.Value, err = decode(d.v, v)
	}
	return e, err
}

// Update sets many keys in one step and one message.
func (d *Dict[K, V]) Update(ctx context.Context, values map[K]V) error {
	r := d.ask(dictUpdate)
	r.uint(uint64(len(values)))
	for k, v := range values {
		add(add(r, d.k, &k), d.v, &v)
	}
	return do(ctx, r)
}

// GetMany returns the values of those of the keys that there are, in one step and one message.
func (d *Dict[K, V]) GetMany(ctx context.Context, keys ...K) (map[K]V, error) {
	r := d.read(dictGetMany)
	defer r.done()
	r.uint(uint64(len(keys)))
	for i := range keys {
		add(r, d.k, &keys[i])
	}
	if err := r.send(ctx); err != nil {
		return nil, err
	}
	a := r.answer()
	found := make(map[K]V, len(keys))
	for _, key := range keys {
		if a.uint() == 0 {
			continue
		}
		v, err := decode(d.v, a.bytes())
		if err != nil {
			return nil, err
		}
		found[key] = v
	}
	return found, a.end()
}

// DeleteMany removes those of the keys that there are, in one step and one message, and returns how many that were.
func (d *Dict[K, V]) DeleteMany(ctx context.Context, keys ...K) (int, error) {
	r := d.ask(dictDeleteMany).uint(uint64(len(keys)))
	for i := range keys {
		add(r, d.k, &keys[i])
	}
	return getInt(ctx, r)
}

// Len is how many keys there are.
func (d *Dict[K, V]) Len(ctx context.Context) (int, error) { return getInt(ctx, d.read(dictLen)) }

// Clear removes all keys.
func (d *Dict[K, V]) Clear(ctx context.Context) error { return do(ctx, d.ask(dictClear)) }

// Keys are the keys at one moment, in the order in which they came.
func (d *Dict[K, V]) Keys(ctx context.Context) ([]K, error) {
	return collect(pages(ctx, d.read(dictKeys), func(a *reader) (K, error) { return decode(d.k, a.bytes()) }))
}

// Values are the values at one moment, in the order of their keys.
func (d *Dict[K, V]) Values(ctx context.Context) ([]V, error) {
	var values []V
	for e, err := range d.All(ctx) {
		if err != nil {
			return nil, err
		}
		values = append(values, e.Value)
	}
	return values, nil
}

// Copy is the whole Dict at one moment, as a map.
func (d *Dict[K, V]) Copy(ctx context.Context) (map[K]V, error) {
	m := make(map[K]V)
	for e, err := range d.All(ctx) {
		if err != nil {
			return nil, err
		}
		m[e.Key] = e.Value
	}
	return m, nil
}

// All is a snapshot of the Dict, in the order in which the keys came. It is taken when the loop begins, and travels in pages; the
// loop ends after an error. It may be used more than once, each time with a new snapshot.
func (d *Dict[K, V]) All(ctx context.Context) iter.Seq2[Entry[K, V], error] {
	return func(yield func(Entry[K, V], error) bool) {
		pages(ctx, d.read(dictItems), d.entry)(yield)
	}
}

// CompareAndSwap sets a key to a new value if its value encodes as old does, and reports whether it did. An absent key has no
// value. Values with maps in them may encode differently each time.
func (d *Dict[K, V]) CompareAndSwap(ctx context.Context, key K, old, replacement V) (bool, error) {
	return getBool(ctx, add(add(add(d.ask(dictSwap), d.k, &key), d.v, &old), d.v, &replacement))
}

// Compute replaces the value of a key by what fn makes of it, in the server and in one atomic step, and returns the new value. An absent
// key has the zero value. fn must be registered in the server's program, too. It may be called several times, for it runs without a
// lock, and again if the value was changed meanwhile; only the last result counts.
func (d *Dict[K, V]) Compute(ctx context.Context, key K, fn *mp.Function[V, V]) (V, error) {
	return compute(ctx, d.computing(&key), fn, d.v, nil)
}

// ComputeWith is Compute with a second argument for fn.
func ComputeWith[K comparable, V, X any](ctx context.Context, d *Dict[K, V], key K, fn *mp.Function[mp.Args2[V, X], V], x X) (V, error) {
	c, err := codecFor[X]("the argument")
	if err != nil {
		var zero V
		return zero, err
	}
	return compute(ctx, d.computing(&key), fn, d.v, func(r *request) { add(r, c, &x) })
}

func (d *Dict[K, V]) computing(key *K) *request {
	var zero V
	return add(add(d.ask(dictCompute), d.k, key), d.v, &zero)
}

// MarshalBinary implements encoding.BinaryMarshaler: the proxy travels.
func (d *Dict[K, V]) MarshalBinary() ([]byte, error) { return d.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (d *Dict[K, V]) UnmarshalBinary(b []byte) error {
	fresh, err := dictOf[K, V]()
	if err != nil {
		return err
	}
	*d = *fresh
	return d.unmarshal(b, kindDict, d.signature())
}

// String names the Dict.
func (d *Dict[K, V]) String() string { return d.name("Dict") }
