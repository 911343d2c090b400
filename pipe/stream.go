package pipe

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// linger is how long a stream that was closed waits for the other side to close as well.
const linger = 5 * time.Second

// stream is the carrier over TCP, or TLS. It has two halves: outflow gives the kernel what is published, and leaves what there is no room
// for to a goroutine; inflow reads all the time, so that the end is seen. No deadline is set before the end, and no wait that is given
// up leaves anything half done.
type stream struct {
	outflow
	inflow

	socket net.Conn
	sealed *sealed        // TLS over the socket; nil without
	work   sync.WaitGroup // goroutines
	moving atomic.Bool    // they stop, and what they have not done is done elsewhere
}

func newStream(socket net.Conn, sealed *sealed) *stream {
	s := &stream{}
	s.open(socket, sealed)
	return s
}

// open begins to use a socket, and TLS over it, unless that is nil.
func (s *stream) open(socket net.Conn, sealed *sealed) {
	s.socket, s.sink, s.source = socket, socket, socket
	if raw, ok := socket.(syscall.Conn); ok {
		if raw, err := raw.SyscallConn(); err == nil {
			tune(raw)
			s.now.open(raw)
		}
	}
	if sealed != nil {
		s.sealed, s.source, s.seal = sealed, sealed, sealed
		sealed.under.to = s.enqueue
	}
	s.work.Go(s.pump)
}

// pump reads until the end, or until the stream moves.
func (s *stream) pump() {
	for {
		n, err := s.source.Read(s.space())
		if s.moving.Load() {
			s.came(n, nil)
			return
		}
		s.came(n, err)
		if err != nil {
			s.fail(err) // this side's end has no halves, so nor has that one's
			return
		}
		s.push() // TLS may have answered something
	}
}

// push hands over what is queued.
func (s *stream) push() {
	if s.try() {
		s.work.Go(func() { s.drain(&s.moving) })
	}
}

func (s *stream) publish() {
	s.encrypt()
	s.push()
}

func (*stream) sendFile(context.Context, *os.File) error { return errors.ErrUnsupported }

func (*stream) takeFile() (*os.File, error) { return nil, errors.ErrUnsupported }

func (s *stream) interrupt(why error) {
	s.outflow.interrupt(why)
	s.inflow.interrupt(why)
}

// close tells the other side, behind all that was published. If that was something, the socket stays until the other side has closed, too,
// or linger is over: a socket that is closed answers what comes with a reset, and then nobody receives what is still under way.
func (s *stream) close() error {
	s.discard()
	if !s.sent() {
		err := s.socket.Close()
		s.work.Wait()
		return err
	}
	_ = s.socket.SetDeadline(time.Now().Add(linger))
	if s.sealed != nil {
		_ = s.sealed.CloseWrite() // says so inside
	}
	s.finish()
	s.push()
	go func() {
		s.work.Wait()
		_ = s.socket.Close()
	}()
	return nil
}

func (s *stream) peer() Peer {
	p := Peer{PID: -1, UID: -1, GID: -1, Addr: s.socket.RemoteAddr()}
	if u, ok := s.socket.(*net.UnixConn); ok {
		p, _ = credentials(u)
	}
	if s.sealed != nil {
		state := s.sealed.ConnectionState()
		p.TLS = &state
	}
	return p
}
