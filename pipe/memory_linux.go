package pipe

import (
	"fmt"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/ring"
)

// ringSize is how many bytes each direction of a new connection holds.
const ringSize = 256 << 10

// maxRing is the largest ring that a stranger's memory may have.
const maxRing = 1 << 30

// memory is the memory of a connection, mapped.
type memory struct {
	file *os.File
	mem  ring.Memory
	size int // of each ring
}

// direction is the words and the ring of one direction.
type direction struct {
	tail, head       *atomic.Uint64
	reading, writing *atomic.Uint32
	ring             []byte
}

// newMemory makes the memory of a connection, for ringConn of both ends.
func newMemory() (*os.File, error) {
	f, err := osenv.Default().SharedMemory("mp-pipe", abi.PipeHeader+2*ringSize)
	if err != nil {
		return nil, fmt.Errorf("mp/pipe: %w", err)
	}
	var words [16]byte
	m := ring.Memory(words[:])
	m.U64(0).Store(abi.PipeMagic)
	m.U64(8).Store(ringSize)
	if _, err := f.WriteAt(words[:], abi.PipeOffMagic); err != nil {
		f.Close()
		return nil, fmt.Errorf("mp/pipe: %w", err)
	}
	return f, nil
}

// mapMemory maps memory that may come from a stranger, after it has made sure that nobody can take it away again.
func mapMemory(f *os.File) (*memory, error) {
	size, err := checkMemory(f)
	if err != nil {
		return nil, err
	}
	mem, err := osenv.Map(f, abi.PipeHeader+2*size)
	if err != nil {
		return nil, err
	}
	m := &memory{f, mem, size}
	if magic, rings := m.mem.U64(abi.PipeOffMagic).Load(), m.mem.U64(abi.PipeOffMagic+8).Load(); magic != abi.PipeMagic || rings != uint64(size) {
		_ = m.unmap()
		return nil, corrupt("memory that begins with %#x, and rings of %d bytes", magic, rings)
	}
	return m, nil
}

func checkMemory(f *os.File) (size int, err error) {
	seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	if err != nil {
		return 0, os.NewSyscallError("fcntl F_GET_SEALS", err)
	}
	if want := unix.F_SEAL_SHRINK | unix.F_SEAL_GROW; seals&want != want {
		return 0, corrupt("memory that can be resized")
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	n := (info.Size() - abi.PipeHeader) / 2
	if n < abi.PipeHeader || n > maxRing || n&(n-1) != 0 || info.Size() != abi.PipeHeader+2*n {
		return 0, corrupt("memory of %d bytes", info.Size())
	}
	return int(n), nil
}

func (m *memory) unmap() error { return osenv.Unmap(m.mem) }

// direction cuts out direction 0 or 1.
func (m *memory) direction(n int) direction {
	words, ring := n*abi.PipeDirection, abi.PipeHeader+n*m.size
	return direction{
		tail: m.mem.U64(words + abi.PipeOffTail), head: m.mem.U64(words + abi.PipeOffHead),
		reading: m.mem.U32(words + abi.PipeOffReading), writing: m.mem.U32(words + abi.PipeOffWriting),
		ring: m.mem[ring : ring+m.size : ring+m.size],
	}
}
