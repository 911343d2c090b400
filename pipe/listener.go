package pipe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"sync"
	"time"
)

// A Listener takes connections of programs that need not be relatives. It is safe for concurrent use. One goroutine takes them, and each
// is in its handshake on a goroutine of its own, so that a peer that is slow, silent or hostile holds nobody up; those who have
// proved who they are wait for Accept. The process that has it must close it.
type Listener struct {
	config Config
	socket net.Listener
	addr   net.Addr
	remove func() // what the address leaves in the file system
	work   sync.WaitGroup

	mu      sync.Mutex
	shaking []shaking // the oldest first
	ready   []*Conn   // for Accept
	closed  bool
	changed bell // rung when one of the three changes
}

// shaking is a connection in its handshake.
type shaking struct {
	net.Conn

	since time.Time
}

// patience is how long a handshake may take at the least, however many others wait: time enough for who means it. Who floods a listener
// then slows the others down, but does not keep them out.
const patience = 100 * time.Millisecond

// Listen listens on an address.
//
//	unix  a path; "@name", which is no file (Linux's abstract names); "", a name like that which nobody else has
//	tcp   host:port; of port 0, Addr tells which one it became
//
// The file of a path that a dead listener left is replaced; an address where somebody listens is syscall.EADDRINUSE. Without a key
// only its owner may connect to a path, else the umask decides. The path is removed by Close.
func Listen(network, address string, config Config) (*Listener, error) {
	if err := config.validate(network, true); err != nil {
		return nil, err
	}
	l := &Listener{config: config.withDefaults()}
	if err := l.listen(network, address); err != nil {
		return nil, fmt.Errorf("mp/pipe: %w", err)
	}
	l.work.Go(l.serve)
	return l, nil
}

func (l *Listener) listen(network, address string) (err error) {
	if network == "unix" {
		return l.listenUnix(address)
	}
	lc := net.ListenConfig{KeepAliveConfig: keepAlive} // it sets SO_REUSEADDR
	if l.socket, err = lc.Listen(context.Background(), network, address); err == nil {
		l.addr, l.remove = l.socket.Addr(), func() {}
	}
	return err
}

// Addr is where it listens, for Dial: Addr().Network(), Addr().String().
func (l *Listener) Addr() net.Addr { return l.addr }

// Accept returns the next connection whose peer has proved who it is, also if it has sent something and closed since. It is
// ErrClosed once the Listener is closed.
func (l *Listener) Accept(ctx context.Context) (*Conn, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := l.AwaitReady(ctx); err != nil {
			return nil, err
		}
		if c, err := l.take(); c != nil || err != nil {
			return c, err
		}
	}
}

func (l *Listener) take() (*Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, ErrClosed
	case len(l.ready) == 0:
		return nil, nil //nolint:nilnil // somebody else was faster
	}
	c := l.ready[0]
	l.ready = slices.Delete(l.ready, 0, 1)
	l.changed.ring()
	return c, nil
}

// AwaitReady waits until Accept would not wait.
func (l *Listener) AwaitReady(ctx context.Context) error {
	return l.await(ctx, func() bool { return len(l.ready) > 0 })
}

// await waits until cond holds, or the Listener is closed.
func (l *Listener) await(ctx context.Context, cond func() bool) error {
	for {
		l.mu.Lock()
		if l.closed || cond() {
			l.mu.Unlock()
			return nil
		}
		changed := l.changed.listen()
		l.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close ends it, and the connections that nobody has accepted. Those that were accepted live on.
func (l *Listener) Close() error {
	l.mu.Lock()
	first := !l.closed
	l.closed = true
	shaking, ready := l.shaking, l.ready
	l.shaking, l.ready = nil, nil
	l.changed.ring()
	l.mu.Unlock()
	var err error
	if first {
		l.remove()
		err = l.socket.Close()
	}
	for _, s := range shaking {
		_ = s.Close()
	}
	for _, c := range ready {
		_ = c.Close()
	}
	l.work.Wait()
	return err
}

// serve takes connections as long as there is room for them.
func (l *Listener) serve() {
	for failures := 0; ; {
		_ = l.await(context.Background(), func() bool { return len(l.ready) < l.config.Backlog })
		conn, err := l.socket.Accept()
		switch {
		case err == nil:
			failures = 0
			l.begin(conn)
			runtime.Gosched() // what it has to say may have come already
		case errors.Is(err, net.ErrClosed):
			return
		default: // no descriptors, or no memory: that passes
			failures++
			l.turnAway(l.addr, err)
			l.pause(min(5*time.Millisecond<<min(failures, 8), time.Second), func() bool { return false })
		}
	}
}

// pause waits until cond holds, the Listener is closed, or d is over.
func (l *Listener) pause(d time.Duration, cond func() bool) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	_ = l.await(ctx, cond)
}

// begin begins the handshake of a connection.
func (l *Listener) begin(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.shaking) >= l.config.MaxHandshakes {
		oldest := l.shaking[0]
		if wait := patience - time.Since(oldest.since); wait > 0 {
			l.mu.Unlock()
			l.pause(wait, func() bool { return len(l.shaking) < l.config.MaxHandshakes })
			l.mu.Lock()
			continue
		}
		_ = oldest.Close()
		l.shaking = slices.Delete(l.shaking, 0, 1)
	}
	if l.closed {
		_ = conn.Close()
		return
	}
	l.shaking = append(l.shaking, shaking{conn, time.Now()})
	l.work.Go(func() { l.meet(conn) })
}

// meet does the handshake of a connection.
func (l *Listener) meet(conn net.Conn) {
	m := l.config.meet(conn, 0)
	var c *Conn
	err := m.listen()
	if err == nil {
		c, err = m.open()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.changed.ring()
	if i := slices.IndexFunc(l.shaking, func(s shaking) bool { return s.Conn == conn }); i >= 0 {
		l.shaking = slices.Delete(l.shaking, i, i+1)
		if err == nil {
			l.ready = append(l.ready, c)
			return
		}
	}
	// It failed, or was dropped for another.
	if err == nil {
		_ = c.Close()
		err = net.ErrClosed
	}
	m.close()
	if !l.closed {
		l.turnAway(conn.RemoteAddr(), err)
	}
}

// turnAway tells of a connection that came to nothing.
func (l *Listener) turnAway(from net.Addr, err error) {
	if l.config.Logger != nil {
		l.config.Logger.Warn("mp/pipe: a connection was turned away", "listener", l.addr, "from", from, "err", err)
	}
}
