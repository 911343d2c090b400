package manager

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"time"
)

// cancelWait is how long a caller whose context has ended waits for the server to say whether the call was carried out.
const cancelWait = time.Second

// gives reports whether the request's answer may give something that a caller who has left gives back.
func (r *request) gives() bool { return r.undo != 0 || r.page || r.buf[4] == opNew }

// takeBack is the message that gives back what the answer gave; nil if that is nothing.
func (r *request) takeBack() []byte {
	switch {
	case !r.given():
		return nil
	case r.undo != 0:
		return append(header(nil, 0, opCall, r.undo, binary.LittleEndian.Uint64(r.buf[8:])), r.in[answerHeader:]...)
	case r.page:
		a := r.answer()
		return header(nil, 0, opEnd, 0, a.uint())
	case len(r.in) == answerHeader+8:
		return header(nil, 0, opRelease, 0, binary.LittleEndian.Uint64(r.in[answerHeader:]))
	}
	return nil
}

// leave cancels a call whose caller has enough, and waits, but not for long, to learn what became of it.
func (c *client) leave(ctx context.Context, conn conn, r *request) error {
	limit := cancelWait
	if r.stay {
		limit = math.MaxInt64
	}
	bounded, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := c.write(bounded, conn, r, header(nil, 0, opCancel, 0, uint64(r.id)))
	switch {
	case err == nil:
		err = c.await(bounded, conn, r)
	case bounded.Err() == nil:
		c.broke(conn, err)
	}
	if err != nil {
		c.abandon(conn, r)
	}
	switch state := r.state.Load(); {
	case state == requestAnswered && (r.given() || r.owed || r.stay):
		return r.outcome() // it was carried out, or the caller has to know that not
	case state == requestBroken && r.stay:
		return r.broken
	}
	return ctx.Err()
}

// abandon ends the wait for an answer that has not come. If it may give something, another request takes its place, for r is used
// again, and somebody reads until it has come: others may wait for what was given.
func (c *client) abandon(conn conn, r *request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending[r.id] != r {
		return // it has come, or will not
	}
	c.pending[r.id] = nil
	if r.gives() {
		heir := &request{c: c, id: r.id, undo: r.undo, page: r.page, buf: bytes.Clone(r.buf[:requestHeader]), wake: make(chan struct{}, 1)}
		c.pending[r.id] = heir
		go heir.giveBack(conn)
	}
}

// giveBack waits for an answer and gives back what it gives.
func (r *request) giveBack(conn conn) {
	c := r.c
	_ = c.await(context.Background(), conn, r)
	if r.state.Load() != requestAnswered {
		return
	}
	if undo := r.takeBack(); undo != nil {
		c.mu.Lock()
		if c.conn == conn { // a later session has nothing of it
			c.control.add(undo)
		}
		c.mu.Unlock()
		c.settleIfUp()
	}
}
