package manager

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/go-multiproc/mp/pipe"
)

// A server holds objects. Its lock guards what is about all of them; each object and each session has one of its own.
type server struct {
	id     [16]byte
	cfg    Config
	ctx    context.Context
	cancel context.CancelFunc
	way    way // for processes of this family

	backlog int // maxBacklog

	mu       sync.Mutex
	objects  map[uint64]*entry
	last     uint64 // number of an object
	made     int64
	byKind   [kindEnd]int        // how many objects
	idle     map[*entry]struct{} // lent, and referred to by nobody
	reaping  bool
	names    map[string]published
	sessions map[*session]struct{}
	served   int64 // sessions so far
	closed   bool
	own      *client // of functions that run here

	bytes    atomic.Int64
	shown    atomic.Int64 // bytes that snapshots keep
	calls    atomic.Int64
	running  atomic.Int64
	lastSnap atomic.Uint64  // number of a snapshot
	group    sync.WaitGroup // goroutines of listeners and sessions
}

// published is a handle under a name.
type published struct {
	sig    uint64
	handle value
}

func newServer(cfg Config) *server {
	srv := &server{
		cfg: cfg, backlog: maxBacklog, objects: make(map[uint64]*entry), idle: make(map[*entry]struct{}), names: make(map[string]published),
		sessions: make(map[*session]struct{}),
	}
	_, _ = rand.Read(srv.id[:]) // never fails
	srv.ctx, srv.cancel = context.WithCancel(context.WithValue(context.Background(), ownKey{}, srv))
	srv.enter()
	return srv
}

// accept serves the clients of a listener until it, or the server, is closed.
func (srv *server) accept(l *pipe.Listener) {
	for {
		c, err := l.Accept(srv.ctx)
		switch {
		case err == nil:
			s := newSession(srv, c)
			s.remote = l.Addr().Network() == "tcp"
			srv.welcome(s)
		case srv.ctx.Err() != nil || errors.Is(err, ErrClosed):
			return
		}
	}
}

// serve serves a client of this machine.
func (srv *server) serve(c conn) { srv.welcome(newSession(srv, c)) }

// welcome greets a client, and serves it on a goroutine.
func (srv *server) welcome(s *session) {
	c := s.conn
	srv.mu.Lock()
	full := srv.closed || len(srv.sessions) >= srv.cfg.MaxClients
	if !full {
		srv.sessions[s] = struct{}{}
		srv.served++
		srv.group.Add(1)
	}
	srv.mu.Unlock()
	if full {
		// It is told, if it listens: nobody waits for that.
		_ = c.TrySendBytes(appendGreeting(nil, greeting{}, ErrLimit))
		_ = c.Close()
		s.cancel()
		return
	}
	_ = c.TrySendBytes(appendGreeting(nil, greeting{srv.id, srv.cfg.MaxMessage}, nil)) // there is room in a fresh connection
	go func() {
		defer srv.group.Done()
		s.run()
	}()
}

// left forgets a session that has ended.
func (srv *server) left(s *session) {
	srv.mu.Lock()
	delete(srv.sessions, s)
	srv.mu.Unlock()
}

// stop ends the server: every session, and all that runs for them.
func (srv *server) stop() {
	srv.mu.Lock()
	srv.closed = true
	conns := make([]conn, 0, len(srv.sessions))
	for s := range srv.sessions {
		conns = append(conns, s.conn)
	}
	own := srv.own
	srv.mu.Unlock()
	srv.leave()
	srv.cancel()
	for _, c := range conns {
		_ = c.Close()
	}
	if own != nil {
		own.close(errEnded)
	}
	srv.group.Wait()
}

// A greeting is the first message of a server: protocol u32, status u8, its number, MaxMessage u64.
type greeting struct {
	id  [16]byte
	max int64
}

const greetingSize = 4 + 1 + 16 + 8

func appendGreeting(b []byte, g greeting, err error) []byte {
	b = binary.LittleEndian.AppendUint32(b, protocol)
	status := statusOK
	if err != nil {
		status, _ = statusOf(err)
	}
	b = append(append(b, status), g.id[:]...)
	return binary.LittleEndian.AppendUint64(b, uint64(g.max))
}

func readGreeting(b []byte) (g greeting, err error) {
	if len(b) != greetingSize {
		return g, errors.New("mp/manager: what listens there is no manager")
	}
	if v := binary.LittleEndian.Uint32(b); v != protocol {
		return g, fmt.Errorf("mp/manager: the server speaks protocol %d, this program %d", v, protocol)
	}
	if b[4] != statusOK {
		return g, errorOf(b[4], nil)
	}
	return greeting{[16]byte(b[5:]), int64(binary.LittleEndian.Uint64(b[21:]))}, nil
}

// publish puts a handle under a name, or with an empty one takes the name away.
func (srv *server) publish(c *call) {
	name := string(c.args.bytes())
	b := c.args.bytes()
	if c.malformed() {
		return
	}
	var v value
	if len(b) > 0 {
		err := srv.charge(int64(len(name)))
		if err == nil {
			if v, err = srv.keep(b); err != nil {
				_ = srv.charge(-int64(len(name)))
			}
		}
		if err != nil {
			c.fail(err)
			return
		}
	}
	srv.mu.Lock()
	old, had := srv.names[name]
	if len(b) > 0 {
		srv.names[name] = published{sig: c.number, handle: v}
	} else {
		delete(srv.names, name)
	}
	srv.mu.Unlock()
	if had {
		_ = srv.charge(-int64(len(name)))
		srv.drop([]value{old.handle})
	} else if len(b) == 0 {
		c.fail(ErrNotFound)
		return
	}
	c.done()
}

func (srv *server) lookup(c *call) {
	name := string(c.args.bytes())
	if c.malformed() {
		return
	}
	srv.mu.Lock()
	p, ok := srv.names[name]
	srv.lendLocked(p.handle.refs...) // before somebody takes the name away
	srv.mu.Unlock()
	switch {
	case !ok:
		c.fail(ErrNotFound)
	case p.sig != c.number:
		c.fail(fmt.Errorf("mp/manager: %q is published as another type", name))
	default:
		c.answer(statusOK, p.handle.data)
	}
}
