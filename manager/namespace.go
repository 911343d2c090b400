package manager

import (
	"context"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"

	"github.com/go-multiproc/mp/internal/codec"
)

// A Namespace has values of any types under names. They are copies, and may be or contain proxies of other objects, as those of a Dict.
// Each method is one atomic step in the server; all are safe for concurrent use.
type Namespace struct{ proxy }

// To the server it is a dict. Its values are:
//
//	signature of the type u64 | name of the type, as a byte string | encoded value
func init() { kinds[kindNamespace] = kind{name: "Namespace", make: newDictObject} }

// NewNamespace makes an empty Namespace.
func NewNamespace(m *Manager) (*Namespace, error) {
	n := new(Namespace)
	return newProxy(m, n, &n.proxy, kindNamespace, signature(), func(r *request) { r.uint(0) })
}

// Set sets what a name has. It is an error, which names the field, if the value's type cannot cross a process boundary.
func (n *Namespace) Set(ctx context.Context, name string, v any) error {
	b, sig, err := encodeAny(v)
	if err != nil {
		return err
	}
	data := binary.LittleEndian.AppendUint64(nil, sig)
	data = append(appendBytes(data, reflect.TypeOf(v).String()), b...)
	return do(ctx, n.ask(dictSet).text(name).bytes(data))
}

// Get sets what into points to: to a copy of what a name has. It is ErrNotFound if that is nothing, and an error, which tells the types, if it is a
// value of another type. After any error, what into points to may be anything of its type.
func (n *Namespace) Get(ctx context.Context, name string, into any) error {
	plan, err := codec.PlanOfPointed(into)
	if err != nil {
		return fmt.Errorf("mp/manager: Namespace.Get into a %T: %w", into, err)
	}
	r := n.read(dictGet).text(name)
	defer r.done()
	if err := r.send(ctx); err != nil {
		return err
	}
	a := r.answer()
	if len(a.left) < 8 {
		return errMessage
	}
	sig := binary.LittleEndian.Uint64(a.left)
	a.left = a.left[8:]
	typ := a.bytes()
	switch {
	case a.bad:
		return errMessage
	case sig != signature(plan):
		return fmt.Errorf("mp/manager: %q is of type %s, not %s", name, typ, reflect.TypeOf(into).Elem())
	}
	return decodeAny(a.left, into)
}

// decodeAny is decode for a value whose type is known only now.
func decodeAny(b []byte, into any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("mp/manager: decoding a %T: panic: %v", into, p)
		}
	}()
	rest, err := codec.DecodeAny(b, into)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: %d bytes too many", codec.ErrCorrupt, len(rest))
	}
	if err != nil {
		return fmt.Errorf("mp/manager: decoding a %T: %w", into, err)
	}
	return nil
}

// Delete takes away what a name has. It is ErrNotFound if that is nothing.
func (n *Namespace) Delete(ctx context.Context, name string) error {
	return do(ctx, n.ask(dictDelete).text(name))
}

// Has reports whether a name has anything.
func (n *Namespace) Has(ctx context.Context, name string) (bool, error) {
	return getBool(ctx, n.read(dictHas).text(name))
}

// Names are the names that have something, at one moment, sorted.
func (n *Namespace) Names(ctx context.Context) ([]string, error) {
	names, err := collect(pages(ctx, n.read(dictKeys), func(a *reader) (string, error) { return string(a.bytes()), nil }))
	slices.Sort(names)
	return names, err
}

// MarshalBinary implements encoding.BinaryMarshaler: the proxy travels.
func (n *Namespace) MarshalBinary() ([]byte, error) { return n.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (n *Namespace) UnmarshalBinary(b []byte) error {
	*n = Namespace{}
	return n.unmarshal(b, kindNamespace, signature())
}

// String names the Namespace.
func (n *Namespace) String() string { return n.name("Namespace") }
