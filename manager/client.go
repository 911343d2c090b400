package manager

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"syscall"
)

// A client is this process as a server's client: the one connection, whatever number of proxies use it.
type client struct {
	id     [16]byte
	route  []byte                                        // the way to the server, for this family
	dial   func(context.Context) (conn, [16]byte, error) // nil if it can't be dialled again
	remote bool                                          // the connection may break though both sides live
	max    atomic.Int64                                  // the largest message that the server takes; 0: not known

	mu      sync.Mutex
	conn    conn                // nil: none now
	err     error               // why there will be none
	pending map[uint32]*request // nil for one whose caller has left and gets nothing by its answer
	lastID  uint32
	dialing chan struct{} // has room for who dials

	lead  chan struct{} // has room for who reads answers
	spare []byte        // of who does

	control control
}

func newClient(id [16]byte, route []byte) *client {
	return &client{
		id: id, route: route, dialing: make(chan struct{}, 1), lead: make(chan struct{}, 1), control: control{sending: make(chan struct{}, 1)},
	}
}

// broke ends a connection that does not work any more, and every call that waits for its answers.
func (c *client) broke(conn conn, why error) {
	_ = conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != conn {
		return
	}
	c.conn = nil
	err := ErrInterrupted
	switch {
	case tooLarge(why) && c.dial != nil: // an answer, and nobody knows whose: the next connection is as good as the first
		err = why
	case !c.remote:
		c.err, err = errEnded, errEnded
		forgetClient(c) // if only this session has ended, and not the server, there may be another
	}
	for id, r := range c.pending {
		delete(c.pending, id)
		if r != nil {
			r.breakOff(err)
		}
	}
	c.control.reset(c.err != nil)
}

var errEnded = fmt.Errorf("mp/manager: the server has ended: %w", ErrClosed)

// close gives the connection up for good.
func (c *client) close(why error) {
	c.mu.Lock()
	conn := c.conn
	if c.err == nil {
		c.err = why
	}
	c.mu.Unlock()
	if conn != nil {
		c.broke(conn, why)
	}
	c.control.reset(true)
	forgetClient(c)
}

// over reports whether there will be no connection any more.
func (c *client) over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err != nil
}

// connection is the one there is, or a new one.
func (c *client) connection(ctx context.Context) (conn, error) {
	c.mu.Lock()
	conn, err := c.conn, c.err
	c.mu.Unlock()
	if conn != nil || err != nil {
		return conn, err
	}
	select {
	case c.dialing <- struct{}{}:
		defer func() { <-c.dialing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.mu.Lock()
	conn, err = c.conn, c.err
	c.mu.Unlock()
	if conn != nil || err != nil {
		return conn, err
	}
	fresh, id, err := c.dial(ctx)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if id != c.id {
		_ = fresh.Close()
		c.close(errEnded) // another server has its address
		return nil, errEnded
	}
	c.mu.Lock()
	if err = c.err; err == nil {
		c.conn = fresh
		c.control.again() // before anything else is sent
	}
	c.mu.Unlock()
	if err != nil {
		_ = fresh.Close()
		return nil, err
	}
	return fresh, nil
}

// unreachable is the error of a call for which no connection can be made.
func (c *client) unreachable(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrAuth) || errors.Is(err, ErrLimit):
		return err
	case !c.remote && (errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist)): // nobody listens any more
		c.close(errEnded)
		return errEnded
	}
	return fmt.Errorf("mp/manager: the server cannot be reached: %w (%w)", ErrClosed, err)
}
