package pipe

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/race"
	"github.com/go-multiproc/mp/internal/ring"
)

// rings is the carrier between processes of one machine: see the package's paper.
type rings struct {
	*memory
	*socket
	end int
	tx  direction // this end writes it
	rx  direction // this end reads it

	// Of the one who sends.
	out       *ring.Writer
	free      int      // room in out as known
	at        uint64   // the position of out
	fileAt    []uint64 // where the messages of files are that were perhaps not taken
	spinRoom  spinning
	wanted    int         // what roomReady waits for
	roomReady func() bool // waits for wanted

	// Of the one who receives.
	in         *ring.Reader
	empty      atomic.Uint64 // where in was last found empty, for who waits
	spinBytes  spinning
	bytesReady func() bool

	sent, received *byte // proxies for the race detector, if the other end is in this process
}

func newRings(socket, memory *os.File, end int) (*rings, error) {
	return resumeRings(socket, memory, end, 0, 0, 0)
}

// resumeRings is an end that has written up to outAt, as far as it knew read up to outHead, and has read up to inAt.
func resumeRings(sock, mem *os.File, end int, outAt, outHead, inAt uint64) (*rings, error) {
	m, err := mapMemory(mem)
	if err != nil {
		return nil, err
	}
	s, err := openSocket(sock)
	if err != nil {
		return nil, errors.Join(err, m.unmap())
	}
	r := &rings{memory: m, socket: s, end: end, tx: m.direction(end), rx: m.direction(1 - end), at: outAt}
	if r.out, err = ring.ResumeWriter(r.tx.ring, r.tx.tail, r.tx.head, outAt, outHead); err != nil {
		return nil, errors.Join(err, m.unmap())
	}
	r.in = ring.NewReader(r.rx.ring, r.rx.tail, r.rx.head, inAt)
	r.empty.Store(inAt)
	r.bytesReady = func() bool { return r.rx.tail.Load() != r.empty.Load() || r.isEnd() }
	r.roomReady = func() bool {
		room, err := r.room(r.wanted)
		return err != nil || room >= r.wanted
	}
	return r, nil
}

func (r *rings) size() int { return r.out.Size() }

func (r *rings) room(want int) (int, error) {
	r.start()
	if r.eof.Load() || r.tx.reading.Load() == abi.PipeClosed {
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
	n, _ := r.out.Write(b) // there is room
	r.free -= n
	r.at += uint64(n)
}

func (r *rings) publish() {
	race.Release(r.sent)
	r.out.Publish()
	if r.tx.reading.Load() == abi.PipeAsleep {
		r.wake(r.tx.reading)
	}
}

func (r *rings) awaitRoom(ctx context.Context, n int) error {
	r.wanted = n
	if r.spinRoom.spin(r.roomReady) {
		return r.why.get()
	}
	return r.sleep(ctx, r.tx.writing, r.roomReady)
}

// isEnd reports whether the other end writes no more.
func (r *rings) isEnd() bool { return r.eof.Load() || r.rx.writing.Load() == abi.PipeClosed }

func (r *rings) available() (int, error) {
	r.start()
	n, err := r.in.Available()
	if n == 0 && err == nil && r.isEnd() {
		n, err = r.in.Available() // what was sent before the end can be seen now
		if n == 0 && err == nil {
			return 0, io.EOF
		}
	}
	if err != nil {
		return 0, corrupt("%v", err)
	}
	if n == 0 {
		r.empty.Store(r.in.Consumed())
	}
	race.Acquire(r.received)
	return n, nil
}

func (r *rings) read(dst []byte) int { return r.in.Read(dst) }

func (r *rings) release() {
	r.in.Release()
	// A writer that waits is not woken for each message that was read, but when it can go on for a while.
	if r.rx.writing.Load() == abi.PipeAsleep && r.rest() >= len(r.rx.ring)/4 {
		r.wake(r.rx.writing)
	}
}

// rest is how much room the other end has, as far as known.
func (r *rings) rest() int { return len(r.rx.ring) - r.in.Known() }

func (r *rings) awaitBytes(ctx context.Context) error {
	if r.spinBytes.spin(r.bytesReady) {
		return r.why.get()
	}
	return r.sleep(ctx, r.rx.reading, r.bytesReady)
}

func (r *rings) interrupt(why error) {
	r.why.set(why)
	r.bell.ring()
}

func (r *rings) close() error {
	r.rx.reading.Store(abi.PipeClosed)
	r.tx.writing.Store(abi.PipeClosed)
	return errors.Join(r.socket.close(), r.unmap(), r.file.Close())
}

// tellOfEachOther lets the race detector know that the two ends are in one process.
func tellOfEachOther(ends [2]*rings) {
	proxies := new([2]byte)
	for i, r := range ends {
		r.sent, r.received = &proxies[i], &proxies[1-i]
	}
}
