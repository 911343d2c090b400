package pipe

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/go-multiproc/mp/internal/codec"
)

// streamState is what an end of a TCP connection knows beside what the kernel does.
type streamState struct {
	Ahead    []byte // read from the socket, and not yet received
	Behind   []byte // sent, and not yet written to the socket
	Receiver receiverState
}

var streamStates, _ = codec.For[streamState]()

// movable reports an end that has to stay in this process.
func (s *stream) movable() error {
	if _, ok := s.socket.(*net.TCPConn); !ok || s.sealed != nil {
		return fmt.Errorf("mp/pipe: a connection with TLS cannot move to another process: %w", errors.ErrUnsupported)
	}
	return nil
}

// detach takes a movable end out of this process, when nobody is inside any more.
func (s *stream) detach(in *receiver) (*parts, error) {
	s.moving.Store(true)
	_ = s.socket.SetDeadline(time.Unix(1, 0))
	s.halt()
	s.work.Wait()
	defer s.socket.Close()
	f, err := s.socket.(*net.TCPConn).File()
	if err != nil {
		return nil, err
	}
	state, err := streamStates.Append(nil, &streamState{s.ahead(), s.behind(), in.state()})
	if err != nil {
		f.Close()
		return nil, err
	}
	return &parts{[]*os.File{f}, state}, nil
}

// attachStream makes an end of what detach returned, perhaps in another process. The file is the Conn's if there is no error.
func attachStream(p *parts) (*Conn, error) {
	var state streamState
	rest, err := streamStates.Decode(p.state, &state)
	if err != nil || len(rest) > 0 || len(p.files) != 1 {
		return nil, corrupt("an end that moved: %v", err)
	}
	in, ok := state.Receiver.receiver()
	if !ok {
		return nil, corrupt("an end that moved: its message")
	}
	socket, err := net.FileConn(p.files[0]) // a copy
	if err != nil {
		return nil, fmt.Errorf("mp/pipe: %w", err)
	}
	p.close()
	s := &stream{}
	s.resume(state.Ahead)
	s.enqueue(state.Behind)
	s.open(socket, nil)
	s.push()
	in.c = s
	return &Conn{c: s, in: in}, nil
}
