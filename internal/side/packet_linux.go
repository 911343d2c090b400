package side

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
)

// errFull reports a socket without room.
var errFull = error(unix.EAGAIN)

// trySend sends one packet without waiting.
func trySend(f *os.File, frame []byte) error {
	return attempt(f, func(fd int) error { return unix.Sendto(fd, frame, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, nil) })
}

// tryRecv receives one packet without waiting.
func tryRecv(f *os.File, buf []byte) (n int, err error) {
	err = attempt(f, func(fd int) error {
		n, err = unix.Read(fd, buf)
		return err
	})
	return n, err
}

// attempt does something with a descriptor, again if a signal came between.
func attempt(f *os.File, do func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	cerr := raw.Control(func(fd uintptr) {
		for {
			if err = do(int(fd)); !errors.Is(err, unix.EINTR) {
				return
			}
		}
	})
	if cerr != nil {
		return os.ErrClosed
	}
	return err
}

// reset reports that the peer has ended without reading all that it was sent.
func reset(err error) bool { return errors.Is(err, unix.ECONNRESET) }

// deafen makes the peer's packets fail; what is sent to it still arrives.
func deafen(f *os.File) {
	_ = attempt(f, func(fd int) error { return unix.Shutdown(fd, unix.SHUT_RD) })
}

// shrink makes the buffer for questions small: each that a worker does not take holds a descriptor.
func shrink(f *os.File) {
	_ = attempt(f, func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 4<<10) })
}

// sendAsk sends a question with the descriptor that its answer goes to, and waits for room until ctx ends.
func (p *Parent) sendAsk(ctx context.Context, frame []byte, answer *os.File) error {
	send := func(fd int) (err error) {
		aerr := attempt(answer, func(a int) error {
			err = unix.Sendmsg(fd, frame, unix.UnixRights(a), nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
			return nil
		})
		if aerr != nil {
			return aerr
		}
		return err
	}
	tick := time.NewTicker(10 * time.Millisecond) // many may ask, and a socket has one deadline for all
	defer tick.Stop()
	for {
		err := attempt(p.file, send)
		if errors.Is(err, os.ErrClosed) || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
			return ErrGone
		}
		if !errors.Is(err, unix.EAGAIN) {
			return os.NewSyscallError("sendmsg", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// recvAsk waits for the next question.
func recvAsk(f *os.File) (frame []byte, answer *os.File, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	frame, oob := make([]byte, abi.MaxSide), make([]byte, unix.CmsgSpace(4))
	var n, oobn, flags int
	cerr := raw.Read(func(fd uintptr) bool {
		for {
			n, oobn, flags, _, err = unix.Recvmsg(int(fd), frame, oob, unix.MSG_CMSG_CLOEXEC)
			if !errors.Is(err, unix.EINTR) {
				return !errors.Is(err, unix.EAGAIN)
			}
		}
	})
	if err = errors.Join(cerr, err); err != nil {
		return nil, nil, err
	}
	if n > 0 && flags&unix.MSG_CTRUNC != 0 {
		return nil, nil, errLost
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || n == 0 || len(messages) != 1 {
		return nil, nil, errFrame
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, nil, errFrame
	}
	return frame[:n], os.NewFile(uintptr(fds[0]), "answer"), nil
}
