package manager

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/go-multiproc/mp/pipe"
)

// A request is a call on its way, and then its answer. It is used again.
type request struct {
	c    *client
	of   *proxy // whose object is called: that it is not released meanwhile
	id   uint32
	safe bool  // it changes nothing that another client could have changed back before the second time
	owed bool  // it gives something back, and is sent though its context has ended
	stay bool  // whatever becomes of it, its answer says what the caller holds then, so that is waited for
	undo uint8 // the method that takes a result back which came after the caller had left; 0 for none
	page bool  // its answer is the first page of a snapshot

	buf    []byte // the message
	err    error  // of its making
	in     []byte // the message of the answer
	state  atomic.Uint32
	wake   chan struct{}
	broken error // why there is no answer
}

// States of a request.
const (
	requestWaits uint32 = iota
	requestAnswered
	requestBroken
)

var requests = sync.Pool{New: func() any { return &request{wake: make(chan struct{}, 1)} }}

// ask begins a request. What follows appends its arguments; then send, and in the end done.
func (c *client) ask(op, method uint8, object uint64) *request {
	r := requests.Get().(*request)
	r.c, r.safe, r.owed, r.stay, r.page, r.undo, r.err = c, false, false, false, false, 0, nil
	r.buf = header(r.buf[:0], 0, op, method, object)
	return r
}

// done gives the request back; its answer must not be used afterwards.
func (r *request) done() {
	if cap(r.in) > maxUnread || cap(r.buf) > maxUnread {
		r.in, r.buf = nil, nil
	}
	r.of = nil
	requests.Put(r)
}

func (r *request) bytes(b []byte) *request {
	r.buf = appendBytes(r.buf, b)
	return r
}

func (r *request) text(s string) *request {
	r.buf = append(binary.AppendUvarint(r.buf, uint64(len(s))), s...)
	return r
}

func (r *request) uint(n uint64) *request {
	r.buf = binary.AppendUvarint(r.buf, n)
	return r
}

func (r *request) int(n int) *request {
	r.buf = binary.AppendVarint(r.buf, int64(n))
	return r
}

// answer is the result.
func (r *request) answer() reader { return reader{left: r.in[answerHeader:]} }

// send sends the request and waits for its answer. When ctx ends it cancels the call, and returns ctx's error if the server has not
// carried it out.
func (r *request) send(ctx context.Context) error {
	if r.err != nil {
		return r.err
	}
	if err := ctx.Err(); err != nil && !r.owed {
		return err
	}
	c := r.c
	for {
		conn, err := c.connection(ctx)
		if err != nil {
			return err
		}
		if limit := c.max.Load(); limit > 0 && int64(len(r.buf)) > limit { // it would end the session
			return fmt.Errorf("mp/manager: a request of %d bytes: %w", len(r.buf), pipe.ErrTooLarge)
		}
		c.enter(r)
		if err = c.write(ctx, conn, r, r.buf); err != nil {
			c.forget(r)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if tooLarge(err) {
				return err
			}
			c.broke(conn, err)
			continue // it was not sent whole
		}
		if err = c.await(ctx, conn, r); err != nil {
			return c.leave(ctx, conn, r)
		}
		if r.state.Load() == requestBroken {
			if c.remote && r.safe && !tooLarge(r.broken) {
				continue
			}
			return r.broken
		}
		return r.outcome()
	}
}

func (r *request) outcome() error {
	if status := r.in[4]; status != statusOK {
		return errorOf(status, r.in[answerHeader:])
	}
	return nil
}

// given reports an answer by which the caller has what it asked for.
func (r *request) given() bool { return r.in[4] == statusOK || r.in[4] == statusOwnerDied }
