package pipe

import (
	"context"

	"github.com/go-multiproc/mp/internal/abi"
)

// RecvBytes receives a message. It is io.EOF when the other end is closed, or its process is dead, and everything that was
// sent before has been received; io.ErrUnexpectedEOF, once, if that was in the middle of a message. If ctx ends first,
// nothing has been received.
func (c *Conn) RecvBytes(ctx context.Context) ([]byte, error) {
	m := message{kind: abi.PipeBytes, own: true}
	if err := c.recv(ctx, &m); err != nil {
		return nil, err
	}
	if m.b == nil {
		return []byte{}, nil
	}
	return m.b, nil
}

// RecvAppend is RecvBytes that appends the message to dst. If there is room in it, that costs no memory. On an error it returns
// dst, whose memory behind its length may have been written to.
func (c *Conn) RecvAppend(ctx context.Context, dst []byte) ([]byte, error) {
	m := message{kind: abi.PipeBytes, b: dst}
	if err := c.recv(ctx, &m); err != nil {
		return dst, err
	}
	return m.b, nil
}

// recv receives a message.
func (c *Conn) recv(ctx context.Context, m *message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.rx.mu.Lock()
	done, err := false, c.gone
	if err == nil && !c.rx.taken {
		done, err = c.in.take(m)
	}
	c.rx.mu.Unlock()
	if done || err != nil {
		return err
	}
	if err := c.enter(ctx, &c.rx); err != nil {
		return err
	}
	defer c.leave(&c.rx)
	for {
		if done, err := c.in.take(m); done || err != nil {
			return err
		}
		if c.in.begun(m) {
			c.rx.taken = true
			c.rx.mu.Unlock()
			done, err = c.in.stream(ctx, m)
			c.rx.mu.Lock()
			c.rx.taken = false
		} else {
			c.c.release() // of what was no message, or is kept
			c.rx.mu.Unlock()
			err = c.c.awaitBytes(ctx)
			c.rx.mu.Lock()
		}
		switch {
		case done || err != nil:
			return err
		case c.gone != nil: // also where there is never nothing to look at
			return c.gone
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}
