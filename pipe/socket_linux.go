package pipe

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/fifo"
	"github.com/go-multiproc/mp/internal/race"
)

// socket is the socket beside the rings: it wakes who sleeps, brings files, and tells of the end.
type socket struct {
	sock *os.File
	raw  syscall.RawConn
	bell bell    // rung when something has come
	why  verdict // why nobody may wait any more
	eof  atomic.Bool

	started atomic.Bool
	once    sync.Once
	ended   chan struct{} // closed when watch has ended, or never was

	mu    sync.Mutex // held to read
	files fifo.Queue[*os.File]
	buf   [64]byte

	wakeUp func(fd uintptr)
}

// openSocket takes over a socket. One that came from elsewhere may be a file that the runtime does not wait for.
func openSocket(f *os.File) (*socket, error) {
	if err := f.SetDeadline(time.Time{}); errors.Is(err, os.ErrNoDeadline) {
		again, err := duplicate(f)
		if err != nil {
			return nil, err
		}
		f.Close()
		f = again
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	_ = raw.Control(func(fd uintptr) { // with less there is room for fewer files, and SendFile waits sooner
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF, abi.PipeSocketRoom)
	})
	s := &socket{sock: f, raw: raw, ended: make(chan struct{})}
	s.wakeUp = func(fd uintptr) {
		// If it is full, the other end has enough in it to wake up. If it is broken, watch knows.
		_ = unix.Send(int(fd), wakeByte, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	}
	return s, nil
}

var wakeByte = []byte{abi.PipeWake}

// wake wakes the other end, whose state is that it sleeps.
func (s *socket) wake(state *atomic.Uint32) {
	if state.CompareAndSwap(abi.PipeAsleep, abi.PipeAwake) {
		_ = s.raw.Control(s.wakeUp)
	}
}

// sleep waits until ready, while the state of this end says that it does.
func (s *socket) sleep(ctx context.Context, state *atomic.Uint32, ready func() bool) error {
	for {
		bell := s.bell.listen()
		state.Store(abi.PipeAsleep)
		race.Fence()
		if err := s.why.get(); err != nil || ready() {
			return err
		}
		select {
		case <-bell:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// start begins to watch the socket.
func (s *socket) start() {
	if s.started.Load() {
		return
	}
	s.once.Do(func() {
		// What it knows already is to be seen by whoever uses the end first.
		_ = s.raw.Control(func(fd uintptr) { s.drain(int(fd)) })
		go s.watch()
		s.started.Store(true)
	})
}

// watch reads the socket until it ends, or this end does.
func (s *socket) watch() {
	defer close(s.ended)
	_ = s.raw.Read(func(fd uintptr) bool {
		for s.drain(int(fd)) {
			if s.why.get() != nil { // else an other end that goes on and on could keep it
				return true
			}
		}
		return s.eof.Load()
	})
}

// atOnce is how often drain reads: more than enough for all that the socket held when it began.
const atOnce = 512

// drain reads what there is in the socket, and reports whether there may be more.
func (s *socket) drain(fd int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.bell.ring()
	for range atOnce {
		var oob [32]byte
		n, oobn, _, _, err := unix.Recvmsg(fd, s.buf[:], oob[:], unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return false
		case err != nil || n == 0: // an error is that of an end that was closed with bytes for it
			s.eof.Store(true)
			return false
		default:
			s.collect(s.buf[:n], oob[:oobn])
		}
	}
	return true
}

// collect puts the files that came with some bytes into the queue, nil for one that was lost.
func (s *socket) collect(b, oob []byte) {
	var fds []int
	if messages, err := unix.ParseSocketControlMessage(oob); err == nil {
		for i := range messages {
			got, _ := unix.ParseUnixRights(&messages[i])
			fds = append(fds, got...)
		}
	}
	count := 0
	for _, c := range b {
		if c != abi.PipeWake {
			count++
		}
	}
	for i := range count {
		if s.files.Len() == abi.PipeMaxFiles { // the other end breaks the rules: let it miss them
			break
		}
		var f *os.File
		if i == count-1 && len(fds) > 0 { // the kernel ends a read behind a descriptor
			f = os.NewFile(uintptr(fds[0]), "pipe")
			fds = fds[1:]
		}
		s.files.Push(f)
	}
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}

// halt ends watch, and returns the files that nobody took. What is in the socket stays there.
func (s *socket) halt() ([]*os.File, error) {
	err := s.sock.SetReadDeadline(time.Unix(1, 0))
	s.once.Do(func() { close(s.ended) })
	<-s.ended
	return s.files.All(), errors.Join(err, s.sock.SetReadDeadline(time.Time{}))
}

// close closes the socket and the files that nobody took.
func (s *socket) close() error {
	err := s.sock.Close()
	s.once.Do(func() { close(s.ended) })
	<-s.ended
	for _, f := range s.files.All() {
		if f != nil {
			f.Close()
		}
	}
	return err
}
