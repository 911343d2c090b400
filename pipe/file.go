package pipe

import (
	"context"
	"os"

	"github.com/go-multiproc/mp/internal/abi"
)

// SendFile sends a copy of an open file, as a message: the other end's RecvFile makes a file of it. f stays the caller's. It is
// errors.ErrUnsupported where the connection cannot carry files.
func (c *Conn) SendFile(ctx context.Context, f *os.File) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.exclusively(ctx, &c.tx, func() error { return c.sendFile(ctx, f) })
}

// RecvFile receives a file that was sent by SendFile. If the next message is none, that is ErrKind, and it stays.
func (c *Conn) RecvFile(ctx context.Context) (*os.File, error) {
	m := message{kind: abi.PipeFileFrame}
	if err := c.recv(ctx, &m); err != nil {
		return nil, err
	}
	return m.file, nil
}

// sendFile sends the file first, and then, for which there must be room before, its message.
func (c *Conn) sendFile(ctx context.Context, f *os.File) error {
	if _, err := c.awaitRoom(ctx, wordSize); err != nil {
		return err
	}
	if err := c.c.sendFile(ctx, f); err != nil {
		return err
	}
	c.word(0, abi.PipeFileFrame, abi.PipeFirst|abi.PipeLast)
	c.c.publish()
	return nil
}
