package manager

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"runtime"
	"sync"

	"github.com/go-multiproc/mp/internal/codec"
)

// A proxy is what the types of this package have in common: a reference to an object in a server. It is immutable once it is
// made or decoded.
type proxy struct {
	c    *client // nil in a zero one, and in one that is detached
	id   uint64
	sig  uint64
	wire []byte // its encoding
}

var (
	errZero    = errors.New("mp/manager: a zero proxy: objects are made by the New functions")
	errCorrupt = errors.New("mp/manager: no proxy of this type")
)

// The encoding of a proxy:
//
//	version u8 | kind u8 | server [16] | object u64 | signature u64 | route, the rest
const (
	proxyVersion = 1
	proxySize    = 2 + 16 + 8 + 8
)

// bind makes p the proxy of an object that this process's session has made or retains. owner is what p is part of.
func (p *proxy) bind(c *client, kind uint8, id, sig uint64) {
	p.c, p.id, p.sig = c, id, sig
	b := append(make([]byte, 0, proxySize+len(c.route)), proxyVersion, kind)
	b = append(b, c.id[:]...)
	b = binary.LittleEndian.AppendUint64(b, id)
	b = binary.LittleEndian.AppendUint64(b, sig)
	p.wire = append(b, c.route...)
}

// A reference is what a proxy that is collected leaves to be done.
type reference struct {
	c  *client
	id uint64
}

// track releases the object when the proxy, and whatever was copied of it, is collected: what they share is the encoding.
func (p *proxy) track() {
	runtime.AddCleanup(&p.wire[0], func(r reference) {
		r.c.control.release(r.id)
		r.c.settleIfUp()
	}, reference{p.c, p.id})
}

// marshal is the proxy for another process, or an object; until it is decoded or kept there, the server lends the object.
func (p *proxy) marshal() ([]byte, error) {
	if p.wire == nil {
		return nil, errZero
	}
	if p.c != nil {
		p.c.control.add(header(nil, 0, opLend, 0, p.id))
		p.c.settleNow()
	}
	return append([]byte(nil), p.wire...), nil
}

// unmarshal makes p the proxy that another process sent.
func (p *proxy) unmarshal(b []byte, kind uint8, sig uint64) error {
	if len(b) < proxySize || b[0] != proxyVersion || b[1] != kind {
		return errCorrupt
	}
	id, has := binary.LittleEndian.Uint64(b[18:]), binary.LittleEndian.Uint64(b[26:])
	if has != sig && kind != kindObject {
		return fmt.Errorf("%w: it is of a %s of other types", errCorrupt, kinds[kind].name)
	}
	c := clientOf([16]byte(b[2:]), b[proxySize:])
	if c == nil {
		*p = proxy{id: id, sig: has, wire: bytes.Clone(b)} // it is detached
		return nil
	}
	p.bind(c, kind, id, has)
	c.control.retain(id)
	c.settle()
	p.track()
	return nil
}

// newProxy asks the server for a new object and makes *p its proxy. fill appends what the object begins with.
func newProxy[P any](m *Manager, p *P, part *proxy, kind uint8, sig uint64, fill func(r *request)) (*P, error) {
	return newProxyFor(context.Background(), m, p, part, kind, sig, fill)
}

func newProxyFor[P any](ctx context.Context, m *Manager, p *P, part *proxy, kind uint8, sig uint64, fill func(r *request)) (*P, error) {
	c, err := m.use()
	if err != nil {
		return nil, err
	}
	r := c.ask(opNew, kind, sig)
	defer r.done()
	if fill != nil {
		fill(r)
	}
	if err := r.send(ctx); err != nil {
		return nil, err
	}
	a := r.answer()
	if len(a.left) != 8 {
		return nil, errMessage
	}
	part.bind(c, kind, binary.LittleEndian.Uint64(a.left), sig)
	c.control.retain(part.id) // the session that made it does already; there may be another now
	part.track()
	return p, nil
}

// ask begins a call of a method.
func (p *proxy) ask(method uint8) *request {
	if p.c == nil {
		r := requests.Get().(*request)
		r.err = ErrDetached
		if p.wire == nil {
			r.err = errZero
		}
		r.buf = header(r.buf[:0], 0, opCall, method, p.id)
		return r
	}
	r := p.c.ask(opCall, method, p.id)
	r.of = p
	return r
}

// read is ask for a method that changes nothing.
func (p *proxy) read(method uint8) *request {
	r := p.ask(method)
	r.safe = true
	return r
}

// String names the object.
func (p *proxy) name(what string) string {
	switch {
	case p.wire == nil:
		return what + "(zero)"
	case p.c == nil:
		return what + "(detached)"
	}
	return fmt.Sprintf("%s#%d", what, p.id)
}

// add appends the encoding of a key, a value or an element as an argument.
func add[T any](r *request, c codec.Codec[T], v *T) *request {
	if r.err == nil {
		r.buf, r.err = encodeSafely(r.buf, c, v)
	}
	return r
}

// addAll appends many, after their number.
func addAll[T any](r *request, c codec.Codec[T], vs []T) *request {
	r.uint(uint64(len(vs)))
	for i := range vs {
		add(r, c, &vs[i])
	}
	return r
}

// encodeSafely is appendEncoded where a panic of a marshaller is an error.
func encodeSafely[T any](b []byte, c codec.Codec[T], v *T) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = b, fmt.Errorf("mp/manager: encoding: panic: %v", p)
		}
	}()
	out, err = appendEncoded(b, c, v)
	if err != nil {
		return b, fmt.Errorf("mp/manager: encoding: %w", err)
	}
	return out, nil
}

// decode is a whole value.
func decode[T any](c codec.Codec[T], b []byte) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("mp/manager: decoding: panic: %v", p)
		}
	}()
	rest, err := c.Decode(b, &v)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: %d bytes too many", codec.ErrCorrupt, len(rest))
	}
	if err != nil {
		var zero T
		return zero, fmt.Errorf("mp/manager: decoding: %w", err)
	}
	return v, nil
}

// get sends a request whose answer is one value.
func get[T any](ctx context.Context, r *request, c codec.Codec[T]) (T, error) {
	defer r.done()
	if err := r.send(ctx); err != nil {
		var zero T
		return zero, err
	}
	return decode(c, r.answer().left)
}

// do sends a request whose answer says only that it was carried out.
func do(ctx context.Context, r *request) error {
	defer r.done()
	return r.send(ctx)
}

// getInt sends a request whose answer is a number.
func getInt(ctx context.Context, r *request) (int, error) {
	defer r.done()
	if err := r.send(ctx); err != nil {
		return 0, err
	}
	a := r.answer()
	n := a.int()
	return n, a.end()
}

// getBool sends a request whose answer is yes or no.
func getBool(ctx context.Context, r *request) (bool, error) {
	defer r.done()
	if err := r.send(ctx); err != nil {
		return false, err
	}
	a := r.answer()
	return len(a.left) == 1 && a.left[0] == 1, nil
}

// signatures are those of plans, which never change.
var signatures sync.Map

// signature condenses what an object is of. Two processes that agree on it understand each other.
func signature(plans ...*codec.Plan) uint64 {
	h := fnv.New64a()
	for _, p := range plans {
		s, ok := signatures.Load(p)
		if !ok {
			s, _ = signatures.LoadOrStore(p, p.Signature())
		}
		_, _ = h.Write([]byte(s.(string)))
		_, _ = h.Write([]byte{0})
	}
	return h.Sum64()
}

// codecFor is the codec of a type, with an error that tells whose.
func codecFor[T any](what string) (codec.Codec[T], error) {
	c, err := codec.For[T]()
	if err != nil {
		return c, fmt.Errorf("mp/manager: %s: %w", what, err)
	}
	return c, nil
}
