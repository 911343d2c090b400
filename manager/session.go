package manager

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/go-multiproc/mp/pipe"
)

// conn is what the server and its clients need of a *pipe.Conn.
type conn interface {
	SendBytes(ctx context.Context, b []byte) error
	TrySendBytes(b []byte) error
	RecvAppend(ctx context.Context, dst []byte) ([]byte, error)
	Close() error
}

// maxUnread is how many bytes of answers a client may leave unread before its requests are left unread, too.
const maxUnread = 4 << 20

// maxBacklog is how many bytes of answers, which others cause, it may leave unread before its session ends.
const maxBacklog = 256 << 20

// A session is a client as the server sees it. run is its goroutine.
type session struct {
	srv    *server
	conn   conn
	ctx    context.Context
	cancel context.CancelFunc
	remote bool // its connection may break though both sides live

	// Of run only.
	snapshots map[uint64]*snapshot
	touched   map[*entry]struct{} // objects in which it may hold something
	swept     int                 // how many there were after those were taken out that are gone

	refs map[uint64]*entry // guarded by the server's lock: what it retains; nil once it has ended

	mu      sync.Mutex
	ended   bool
	pending map[uint32]*call // calls that are answered later

	out     sync.Mutex
	queue   [][]byte // answers that found no room
	unread  int      // their bytes
	writing bool     // somebody sends them
	drained chan struct{}
	buf     []byte // of an answer
}

func newSession(srv *server, c conn) *session {
	s := &session{
		srv: srv, conn: c, snapshots: make(map[uint64]*snapshot), refs: make(map[uint64]*entry),
		pending: make(map[uint32]*call), touched: make(map[*entry]struct{}), drained: make(chan struct{}, 1),
	}
	s.ctx, s.cancel = context.WithCancel(srv.ctx)
	return s
}

// run serves the client until its connection ends, and gives back all that it holds.
func (s *session) run() {
	defer s.end()
	var buf []byte
	c := new(call)
	for s.canRead() {
		var err error
		if buf, err = s.conn.RecvAppend(s.ctx, buf[:0]); err != nil {
			return
		}
		if len(buf) < requestHeader {
			return // no client of ours
		}
		*c = call{
			s: s, id: binary.LittleEndian.Uint32(buf), method: buf[5], number: binary.LittleEndian.Uint64(buf[8:]),
			args: reader{left: buf[requestHeader:]}, size: int64(len(buf) - requestHeader),
		}
		s.srv.calls.Add(1)
		s.request(buf[4], c)
		if c.kept {
			c = new(call)
		}
		if cap(buf) > maxUnread {
			buf = nil
		}
	}
}

// canRead waits until the client has read enough of its answers.
func (s *session) canRead() bool {
	for {
		s.out.Lock()
		ok := s.unread <= maxUnread
		s.out.Unlock()
		if ok {
			return true
		}
		select {
		case <-s.drained:
		case <-s.ctx.Done():
			return false
		}
	}
}

func (s *session) request(op uint8, c *call) {
	switch op {
	case opCall:
		s.call(c)
	case opNew:
		s.make(c)
	case opCancel:
		s.cancelCall(uint32(c.number))
	case opRetain:
		s.retain(c.number)
	case opRelease:
		s.release(c.number)
	case opLend:
		s.srv.lend(c.number)
	case opNext:
		s.next(c)
	case opEnd:
		s.endSnapshot(c.number)
	case opPublish:
		s.srv.publish(c)
	case opLookup:
		s.srv.lookup(c)
	case opStats:
		c.stats()
	default:
		c.fail(errMessage)
	}
}

// call carries out a method of an object.
func (s *session) call(c *call) {
	e := s.srv.find(c.number)
	if e == nil {
		c.fail(errGone)
		return
	}
	c.on = e
	if kinds[e.kind].holds {
		s.touch(e)
	}
	if !e.with(s.srv, func(garbage *[]value) {
		c.garbage = garbage
		e.obj.call(c)
	}) {
		c.fail(errGone)
	}
}

// touch notes that the session may hold something in an object from now on.
func (s *session) touch(e *entry) {
	s.touched[e] = struct{}{}
	if len(s.touched) < 2*s.swept+64 {
		return
	}
	s.srv.mu.Lock()
	maps.DeleteFunc(s.touched, func(e *entry, _ struct{}) bool { return s.srv.objects[e.id] == nil })
	s.srv.mu.Unlock()
	s.swept = len(s.touched)
}

// make makes an object.
func (s *session) make(c *call) {
	if int(c.method) >= len(kinds) || kinds[c.method].make == nil {
		c.fail(errMessage)
		return
	}
	var garbage []value
	c.garbage = &garbage
	o, err := kinds[c.method].make(c)
	switch {
	case err != nil:
		c.fail(err)
	case o != nil:
		c.made(c.method, c.number, o)
	}
	s.srv.drop(garbage)
}

// made answers the request for a new object.
func (c *call) made(kind uint8, sig uint64, o object) {
	e, err := c.s.srv.add(c.s, kind, sig, o)
	if err != nil {
		c.s.srv.drop(o.free())
		c.fail(err)
		return
	}
	c.answer(statusOK, binary.LittleEndian.AppendUint64(nil, e.id))
}

// cancelCall cancels a call that was kept, if it was not answered meanwhile.
func (s *session) cancelCall(id uint32) {
	s.mu.Lock()
	c := s.pending[id]
	s.mu.Unlock()
	if c != nil {
		s.interrupt(c)
	}
}

func (s *session) interrupt(c *call) {
	s.mu.Lock()
	stop := c.stop
	s.mu.Unlock()
	if stop != nil {
		stop() // its answer comes when what runs has returned
		return
	}
	c.on.with(s.srv, func(garbage *[]value) {
		s.mu.Lock()
		still, stop := s.pending[c.id] == c, c.stop
		s.mu.Unlock()
		switch {
		case stop != nil: // it began to run meanwhile
			stop()
		case still:
			c.garbage = garbage
			c.on.obj.cancel(c)
		}
	})
}

// keep adds a call to those that are answered later, or, if it is one, makes it one that runs.
func (s *session) keep(c *call, stop context.CancelFunc) bool {
	s.mu.Lock()
	var refused bool
	if c.kept {
		refused = s.pending[c.id] != c // it was answered meanwhile
	} else {
		refused = s.ended || len(s.pending) >= s.srv.cfg.MaxCalls || s.pending[c.id] != nil || s.srv.charge(c.size) != nil
	}
	if !refused {
		if !c.kept { // else run may look at it now
			c.kept = true
		}
		c.stop = stop
		s.pending[c.id] = c
	}
	s.mu.Unlock()
	if refused {
		c.fail(ErrLimit)
	}
	return !refused
}

// unkeep takes it out again, once.
func (s *session) unkeep(c *call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending[c.id] != c {
		return false
	}
	delete(s.pending, c.id)
	_ = s.srv.charge(-c.size)
	return true
}

// retainLocked adds the session's reference to an object. Call it with the server's lock.
func (s *session) retainLocked(e *entry) {
	if s.refs != nil && s.refs[e.id] == nil {
		s.refs[e.id] = e
		e.refs++
	}
}

func (s *session) retain(id uint64) {
	s.srv.mu.Lock()
	defer s.srv.mu.Unlock()
	if e := s.srv.objects[id]; e != nil {
		s.retainLocked(e)
	}
}

func (s *session) release(id uint64) {
	s.srv.mu.Lock()
	e := s.refs[id]
	delete(s.refs, id)
	s.srv.mu.Unlock()
	if e != nil {
		s.srv.dropRef(e)
	}
}

// end gives back what the session holds.
func (s *session) end() {
	s.cancel()
	_ = s.conn.Close()
	s.mu.Lock()
	s.ended = true
	pending := make([]*call, 0, len(s.pending))
	for _, c := range s.pending {
		pending = append(pending, c)
	}
	s.mu.Unlock()
	// In the order of their numbers, that it is the same each time.
	slices.SortFunc(pending, func(a, b *call) int { return int(a.id) - int(b.id) })
	for _, c := range pending {
		s.interrupt(c)
	}
	for e := range s.touched {
		e.with(s.srv, func(*[]value) { e.obj.leave(s) })
	}
	for id := range s.snapshots {
		s.endSnapshot(id)
	}
	s.srv.mu.Lock()
	refs := slices.Collect(maps.Values(s.refs))
	s.refs = nil
	s.srv.mu.Unlock()
	if s.remote { // the process may be on its way back, with its proxies
		s.srv.lendRefs(value{refs: refs})
	}
	s.srv.drop([]value{{refs: refs}})
	s.srv.left(s)
}

// answer sends an answer, or queues it, and does not wait.
func (s *session) answer(id uint32, status uint8, body []byte) {
	s.out.Lock()
	defer s.out.Unlock()
	if n := answerHeader + len(body); int64(n) > s.srv.cfg.MaxMessage { // the client would only learn that something was
		status, body = statusOf(fmt.Errorf("mp/manager: an answer of %d bytes: %w", n, pipe.ErrTooLarge))
	}
	b := binary.LittleEndian.AppendUint32(s.buf[:0], id)
	b = append(append(b, status, 0, 0, 0), body...)
	s.buf = b
	if !s.writing {
		err := s.conn.TrySendBytes(b)
		if !noRoom(err) {
			return // sent, or nobody is there to read it
		}
		s.writing = true
		go s.write()
	}
	if s.unread > s.srv.backlog {
		s.cancel() // run sees it
		return
	}
	s.queue = append(s.queue, b)
	s.unread += len(b)
	s.buf = nil
}

// write sends what has queued.
func (s *session) write() {
	for {
		s.out.Lock()
		if len(s.queue) == 0 || s.ctx.Err() != nil {
			s.writing, s.queue, s.unread = false, nil, 0
			s.out.Unlock()
			s.poke()
			return
		}
		b := s.queue[0]
		s.queue = s.queue[1:]
		s.out.Unlock()
		err := s.conn.SendBytes(s.ctx, b)
		s.out.Lock()
		s.unread -= len(b)
		s.out.Unlock()
		s.poke()
		if err != nil {
			s.cancel() // run sees it, too
		}
	}
}

func (s *session) poke() {
	select {
	case s.drained <- struct{}{}:
	default:
	}
}
