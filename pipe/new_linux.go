package pipe

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/spawn"
)

// New makes a connection and returns its two ends. An end that is sent to another process, as an argument, a result, or in a
// message, moves there, and is closed here.
func New() (*Conn, *Conn, error) {
	spawn.RequireMain("pipe.New")
	var files [4]*os.File // socket and memory of each end
	here, there, err := newPair(&files)
	if err != nil {
		for _, f := range files {
			if f != nil {
				f.Close()
			}
		}
		return nil, nil, fmt.Errorf("mp/pipe: %w", err)
	}
	return here, there, nil
}

func newPair(f *[4]*os.File) (here, there *Conn, err error) {
	if f[0], f[2], err = osenv.Default().Socketpair(); err != nil {
		return nil, nil, err
	}
	if f[1], err = newMemory(); err != nil {
		return nil, nil, err
	}
	if f[3], err = duplicate(f[1]); err != nil {
		return nil, nil, err
	}
	var ends [2]*rings
	for i := range ends {
		if ends[i], err = newRings(f[2*i], f[2*i+1], i); err != nil {
			if ends[0] != nil {
				_ = ends[0].unmap()
			}
			return nil, nil, err
		}
	}
	tellOfEachOther(ends)
	return newConn(ends[0], 0), newConn(ends[1], 0), nil
}

// ringConn is one end, 0 or 1, of a fresh connection: its socket, connected to the other end and empty, and its memory, which may come from
// a stranger. Both files are the Conn's if there is no error.
func ringConn(socket, memory *os.File, end int, maxMessage int64) (*Conn, error) {
	r, err := newRings(socket, memory, end)
	if err != nil {
		return nil, fmt.Errorf("mp/pipe: %w", err)
	}
	return newConn(r, maxMessage), nil
}

// duplicate makes a second descriptor, of a file that does not block.
func duplicate(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl F_DUPFD_CLOEXEC", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("fcntl F_SETFL", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}
