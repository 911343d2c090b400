package manager

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-multiproc/mp/pipe"
)

// cancelWait is how long a caller whose context has ended waits for the server to say whether the call was carried out.
const cancelWait = time.Second

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

// A request is a call on its way, and then its answer. It is used again.
type request struct {
	c    *client
	of   *proxy // whose object is called: that it is not released meanwhile
	id   uint32
	safe bool  // it changes nothing, or nothing more the second time
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

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
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
