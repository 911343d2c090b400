package pipe

import (
	"context"
	"crypto/sha256"
	"fmt"
	"reflect"
	"sync"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/codec"
)

// Send sends a value, encoded in this call: later changes are not sent. Recv of the same type receives it.
func Send[T any](ctx context.Context, c *Conn, v T) error {
	t, err := typeOf[T]()
	if err != nil {
		return fmt.Errorf("mp/pipe: Send: %w", err)
	}
	buf := buffers.Get().(*[]byte)
	b, err := t.codec.Append(append((*buf)[:0], t.print[:]...), &v)
	if err != nil {
		err = fmt.Errorf("mp/pipe: Send: %w", err)
	} else if err = c.send(ctx, abi.PipeValue, b); err != nil {
		codec.GiveUp(b)
	}
	recycle(buf, b)
	return err
}

// Recv receives a value of type T. It fails like RecvBytes, and with a *TypeError if the next message holds a value of another type.
func Recv[T any](ctx context.Context, c *Conn) (v T, err error) {
	t, err := typeOf[T]()
	if err != nil {
		return v, fmt.Errorf("mp/pipe: Recv: %w", err)
	}
	buf := buffers.Get().(*[]byte)
	m := message{kind: abi.PipeValue, b: (*buf)[:0], own: true}
	if err := c.recv(ctx, &m); err != nil {
		return v, err // what has come, if anything, is in the buffer
	}
	defer recycle(buf, m.b)
	if [abi.PipePrint]byte(m.b) != t.print {
		codec.GiveUp(m.b)
		return v, &TypeError{Want: reflect.TypeFor[T]().String()}
	}
	if err := t.decode(m.b[abi.PipePrint:], &v); err != nil {
		var zero T
		return zero, fmt.Errorf("mp/pipe: Recv: %w", err)
	}
	return v, nil
}

// buffers are for encoded values.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// keepBuffer is the largest buffer that is kept for the next value.
const keepBuffer = 1 << 20

func recycle(buf *[]byte, b []byte) {
	if cap(b) <= keepBuffer {
		*buf = b
		buffers.Put(buf)
	}
}

// A valueType is what a type is to this package.
type valueType[T any] struct {
	codec codec.Codec[T]
	print [abi.PipePrint]byte // the same in every process that encodes it in the same way
}

var valueTypes sync.Map // reflect.Type to *valueType of it

func typeOf[T any]() (*valueType[T], error) {
	key := reflect.TypeFor[T]()
	if t, ok := valueTypes.Load(key); ok {
		return t.(*valueType[T]), nil
	}
	c, err := codec.For[T]()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(c.Plan().Signature()))
	t, _ := valueTypes.LoadOrStore(key, &valueType[T]{c, [abi.PipePrint]byte(sum[:])})
	return t.(*valueType[T]), nil
}

// decode decodes a value that is all of b. A panic is one of T's own methods.
func (t *valueType[T]) decode(b []byte, v *T) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("decoding: panic: %v", p)
		}
	}()
	rest, err := t.codec.Decode(b, v)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: %d bytes too many", codec.ErrCorrupt, len(rest))
	}
	return err
}
