package manager

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
)

// enter numbers a request and makes it one whose answer is awaited.
func (c *client) enter(r *request) {
	select {
	case <-r.wake: // of its life before
	default:
	}
	r.state.Store(requestWaits)
	c.mu.Lock()
	defer c.mu.Unlock()
	for used := true; used; { // 0 is for those that nobody waits for
		c.lastID++
		_, used = c.pending[c.lastID]
		used = used || c.lastID == 0
	}
	r.id = c.lastID
	binary.LittleEndian.PutUint32(r.buf, r.id)
	if c.pending == nil {
		c.pending = make(map[uint32]*request)
	}
	c.pending[r.id] = r
}

// forget makes it one whose answer is not awaited.
func (c *client) forget(r *request) {
	c.mu.Lock()
	delete(c.pending, r.id)
	c.mu.Unlock()
}

// write sends a message of r, after what is to be said before. If there is no room, answers are read meanwhile: a server whose
// answers are not read reads no requests.
func (c *client) write(ctx context.Context, conn conn, r *request, b []byte) error {
	err := c.control.tryFlush(conn)
	if err == nil {
		err = conn.TrySendBytes(b)
	}
	switch {
	case !noRoom(err):
		return err
	case r.owed:
		c.control.add(bytes.Clone(b))
		c.settleIfUp()
		return nil
	}
	return c.writeReading(ctx, conn, r, b)
}

func (c *client) writeReading(ctx context.Context, conn conn, r *request, b []byte) error {
	sending, sent := context.WithCancel(ctx)
	read := make(chan struct{})
	go func() {
		defer close(read)
		_ = c.await(sending, conn, r)
	}()
	err := c.control.flush(ctx, conn)
	if err == nil {
		err = conn.SendBytes(ctx, b)
	}
	sent()
	<-read
	return err
}

// await waits until r is answered, or broken. One of those who wait reads for all.
func (c *client) await(ctx context.Context, conn conn, r *request) error {
	for r.state.Load() == requestWaits {
		select {
		case c.lead <- struct{}{}:
		default:
			select {
			case c.lead <- struct{}{}: // who read before has left
			case <-r.wake:
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		err := c.read(ctx, conn, r)
		<-c.lead
		if err != nil {
			return err
		}
	}
	return nil
}

// read reads answers until that of r has come.
func (c *client) read(ctx context.Context, conn conn, r *request) error {
	for r.state.Load() == requestWaits {
		b, err := conn.RecvAppend(ctx, c.spare[:0])
		if err != nil {
			if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return err
			}
			c.broke(conn, err)
			c.sure(r)
			return nil
		}
		if len(b) < answerHeader {
			c.broke(conn, errMessage)
			c.sure(r)
			return nil
		}
		c.spare = c.dispatch(b)
	}
	return nil
}

// sure makes a request broken that was not among those that broke: it was for a connection that had broken before.
func (c *client) sure(r *request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.state.Load() == requestWaits {
		delete(c.pending, r.id)
		r.breakOff(cmp.Or(c.err, ErrInterrupted))
	}
}

// breakOff tells the caller that no answer will come.
func (r *request) breakOff(err error) {
	r.broken = err
	r.state.Store(requestBroken)
	poke(r.wake)
}

// dispatch hands an answer to its request, and returns a buffer for the next.
func (c *client) dispatch(b []byte) (spare []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := binary.LittleEndian.Uint32(b)
	r := c.pending[id]
	delete(c.pending, id)
	if r == nil {
		return b
	}
	spare, r.in = r.in, b
	r.state.Store(requestAnswered)
	poke(r.wake)
	return spare
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
