package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/park"
	"github.com/go-multiproc/mp/internal/ring"
	"github.com/go-multiproc/mp/internal/spawn"
)

// ringSize is how many bytes each direction holds.
const ringSize = 256 << 10

// New makes a connection and returns its two ends.
func New() (*Conn, *Conn, error) {
	spawn.RequireMain("pipe.New")
	k := osenv.Default()
	a, b, err := k.Socketpair()
	if err != nil {
		return nil, nil, fmt.Errorf("mp/pipe: %w", err)
	}
	memory, err := newMemory()
	if err != nil {
		a.Close()
		b.Close()
		return nil, nil, err
	}
	again, err := duplicate(memory)
	if err != nil {
		a.Close()
		b.Close()
		memory.Close()
		return nil, nil, err
	}
	here, err := ringConn(a, memory, 0, 0)
	if err != nil {
		b.Close()
		again.Close()
		return nil, nil, err
	}
	there, err := ringConn(b, again, 1, 0)
	if err != nil {
		_ = here.Close()
		return nil, nil, err
	}
	return here, there, nil
}

// newMemory makes the memory of a connection.
func newMemory() (*os.File, error) {
	size := abi.PipeHeader + 2*ringSize
	f, err := osenv.Default().SharedMemory("mp-pipe", int64(size))
	if err != nil {
		return nil, fmt.Errorf("mp/pipe: %w", err)
	}
	mem, err := osenv.Map(f, size)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("mp/pipe: %w", err)
	}
	m := ring.Memory(mem)
	m.U64(abi.PipeOffMagic + 8).Store(ringSize)
	m.U64(abi.PipeOffMagic).Store(abi.PipeMagic)
	if err := osenv.Unmap(mem); err != nil {
		f.Close()
		return nil, fmt.Errorf("mp/pipe: %w", err)
	}
	return f, nil
}

func duplicate(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl F_DUPFD_CLOEXEC", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// ringConn is one end, 0 or 1, of a fresh connection: its socket, and its memory, which may come from a stranger. It takes both
// files over, also if it fails.
func ringConn(socket, memory *os.File, end int, maxMessage int64) (*Conn, error) {
	r, err := newRings(socket, memory, end)
	if err != nil {
		socket.Close()
		memory.Close()
		return nil, fmt.Errorf("mp/pipe: %w", err)
	}
	return newConn(r, maxMessage), nil
}

// rings is the carrier between processes of one machine.
type rings struct {
	socket *os.File
	raw    syscall.RawConn
	memory *os.File
	mem    ring.Memory

	out        *ring.Writer
	free       int            // of out, as known
	writing    *atomic.Uint32 // shared; the state of this end
	peerReads  *atomic.Uint32 // shared; the state of the other
	in         *ring.Reader
	inTail     *atomic.Uint64 // shared; of in
	reading    *atomic.Uint32 // shared; the state of this end
	peerWrites *atomic.Uint32 // shared; the state of the other
	empty      atomic.Uint64  // the position at which in was last found empty

	spinBytes, spinRoom  spinning
	bytesReady           func() bool
	started, eof, closed atomic.Bool
	begin                sync.Once
	ended                chan struct{} // closed when watch has ended
	why                  atomic.Pointer[error]

	mu   sync.Mutex
	bell chan struct{} // guarded by mu; closed when a byte, or the end, has come. nil if nobody listens
}

// spinning is a spinner for one goroutine at a time.
type spinning struct {
	mu sync.Mutex
	s  park.Spinner
}

func (s *spinning) spin(ready func() bool) bool {
	if !s.mu.TryLock() {
		return ready()
	}
	defer s.mu.Unlock()
	return s.s.Spin(ready)
}

func newRings(socket, memory *os.File, end int) (*rings, error) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	size, err := checkMemory(memory)
	if err != nil {
		return nil, err
	}
	mem, err := osenv.Map(memory, abi.PipeHeader+2*size)
	if err != nil {
		return nil, err
	}
	r := &rings{socket: socket, raw: raw, memory: memory, mem: mem, ended: make(chan struct{})}
	out, in := r.words(end), r.words(1-end)
	r.out = ring.NewWriter(r.ring(end, size), out.tail, out.head, 0)
	r.writing, r.peerReads = out.writing, out.reading
	r.in = ring.NewReader(r.ring(1-end, size), in.tail, in.head, 0)
	r.inTail, r.reading, r.peerWrites = in.tail, in.reading, in.writing
	r.bytesReady = func() bool { return r.inTail.Load() != r.empty.Load() || r.isEnd() }
	return r, nil
}

type words struct {
	tail, head       *atomic.Uint64
	reading, writing *atomic.Uint32
}

func (r *rings) words(direction int) words {
	at := direction * abi.PipeDirection
	return words{
		r.mem.U64(at + abi.PipeOffTail), r.mem.U64(at + abi.PipeOffHead),
		r.mem.U32(at + abi.PipeOffReading), r.mem.U32(at + abi.PipeOffWriting),
	}
}

func (r *rings) ring(direction, size int) []byte {
	at := abi.PipeHeader + direction*size
	return r.mem[at : at+size : at+size]
}

// checkMemory tells the size of each ring in a memory, after it has made sure that nobody can change that.
func checkMemory(f *os.File) (int, error) {
	seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	if err != nil {
		return 0, os.NewSyscallError("fcntl F_GET_SEALS", err)
	}
	if want := unix.F_SEAL_SHRINK | unix.F_SEAL_GROW; seals&want != want || seals&unix.F_SEAL_WRITE != 0 {
		return 0, corrupt("memory with seals %#x", seals)
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	size := (info.Size() - abi.PipeHeader) / 2
	if size < abi.PipeHeader || size > 1<<30 || size&(size-1) != 0 || info.Size() != abi.PipeHeader+2*size {
		return 0, corrupt("memory of %d bytes", info.Size())
	}
	return int(size), nil
}

// isEnd reports whether the other end writes no more.
func (r *rings) isEnd() bool { return r.eof.Load() || r.peerWrites.Load() == abi.PipeClosed }

func (r *rings) size() int { return r.out.Size() }

func (r *rings) room(want int) (int, error) {
	r.start()
	if r.eof.Load() || r.peerReads.Load() == abi.PipeClosed {
		return 0, io.ErrClosedPipe
	}
	if r.free < want {
		free, err := r.out.Free()
		if err != nil {
			return 0, corrupt("%v", err)
		}
		r.free = free
	}
	return r.free, nil
}

func (r *rings) write(b []byte) {
	n, _ := r.out.Write(b)
	r.free -= n
}

func (r *rings) publish() {
	r.out.Publish()
	r.wake(r.peerReads)
}

func (r *rings) awaitRoom(ctx context.Context, n int) error {
	ready := func() bool {
		room, err := r.room(n)
		return err != nil || room >= n
	}
	if r.spinRoom.spin(ready) {
		return r.interrupted()
	}
	return r.sleep(ctx, r.writing, ready)
}

func (r *rings) available() (int, error) {
	r.start()
	n, err := r.in.Available()
	if n == 0 && err == nil && r.isEnd() {
		// What was sent before the end can be seen now.
		if n, err = r.in.Available(); n == 0 && err == nil {
			return 0, io.EOF
		}
	}
	if err != nil {
		return 0, corrupt("%v", err)
	}
	if n == 0 {
		r.empty.Store(r.in.Consumed())
	}
	return n, nil
}

func (r *rings) read(dst []byte) int { return r.in.Read(dst) }

func (r *rings) release() {
	r.in.Release()
	if r.peerWrites.Load() == abi.PipeAsleep && r.out.Size()-r.in.Known() >= r.out.Size()/4 {
		r.wake(r.peerWrites)
	}
}

func (r *rings) awaitBytes(ctx context.Context) error {
	if r.spinBytes.spin(r.bytesReady) {
		return r.interrupted()
	}
	return r.sleep(ctx, r.reading, r.bytesReady)
}

func (r *rings) sendFile(context.Context, *os.File) error { return errors.ErrUnsupported }

func (r *rings) takeFile() (*os.File, error) { return nil, errors.ErrUnsupported }

func (r *rings) interrupt(why error) {
	r.why.Store(&why)
	r.ring_()
}

func (r *rings) interrupted() error {
	if why := r.why.Load(); why != nil {
		return *why
	}
	return nil
}

func (r *rings) close() error {
	r.reading.Store(abi.PipeClosed)
	r.writing.Store(abi.PipeClosed)
	err := r.socket.Close()
	r.begin.Do(func() { close(r.ended) })
	<-r.ended
	return errors.Join(err, osenv.Unmap(r.mem), r.memory.Close())
}

// wake wakes the other end, if it sleeps.
func (r *rings) wake(state *atomic.Uint32) {
	if state.Load() != abi.PipeAsleep || !state.CompareAndSwap(abi.PipeAsleep, abi.PipeAwake) {
		return
	}
	_ = r.raw.Control(func(fd uintptr) {
		_ = unix.Send(int(fd), []byte{abi.PipeWake}, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	})
}

// sleep waits until ready, with the state of this end showing that.
func (r *rings) sleep(ctx context.Context, state *atomic.Uint32, ready func() bool) error {
	for {
		bell := r.listen()
		state.Store(abi.PipeAsleep)
		if err := r.interrupted(); err != nil || ready() {
			return err
		}
		select {
		case <-bell:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *rings) listen() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bell == nil {
		r.bell = make(chan struct{})
	}
	return r.bell
}

func (r *rings) ring_() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bell != nil {
		close(r.bell)
		r.bell = nil
	}
}

func (r *rings) start() {
	if !r.started.Load() {
		r.begin.Do(func() {
			go r.watch()
			r.started.Store(true)
		})
	}
}

func (r *rings) watch() {
	defer close(r.ended)
	_ = r.raw.Read(func(fd uintptr) bool { return r.drain(int(fd)) })
}

// drain reads the socket until it is empty and reports whether it has ended.
func (r *rings) drain(fd int) bool {
	defer r.ring_()
	var b [64]byte
	for {
		n, err := unix.Read(fd, b[:])
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return false
		case n <= 0:
			r.eof.Store(true)
			return true
		}
	}
}
