package block

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// attach maps a file that has a name.
func attach(name string) (*Block, error) {
	fd, err := openFile(name)
	if err != nil {
		return nil, err
	}
	defer closeFile(fd) // the mapping needs it no more
	st, err := fileStat(fd)
	switch {
	case err != nil:
		return nil, err
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, errors.New("it is no file")
	case st.Size == 0:
		return nil, fmt.Errorf("it has no size yet: %w", fs.ErrNotExist)
	case st.Size > math.MaxInt:
		return nil, fmt.Errorf("it has %d bytes: %w", st.Size, unix.EFBIG)
	case goes(&st) && !lifeByte.taken(fd):
		if err := removeOrphan(name, identity(&st)); !errors.Is(err, errKept) {
			return nil, fmt.Errorf("its creator is dead: %w", fs.ErrNotExist)
		}
	}
	data, err := mapFile(fd, int(st.Size))
	if err != nil {
		return nil, err
	}
	return &Block{name: name, id: identity(&st), size: int(st.Size), data: data, life: noFile}, nil
}

func mapFile(fd, size int) ([]byte, error) {
	data, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	return data, os.NewSyscallError("mmap", err)
}

func unmap(data []byte) error { return os.NewSyscallError("munmap", unix.Munmap(data)) }

// release ends what this process has of a block. A mapping keeps locks like a descriptor does, and so do copies of
// either that a process has which is just being started: hence the lock is given back in so many words.
func release(data []byte, life int) error {
	if life == noFile {
		return unmap(data)
	}
	lifeByte.unlock(life)
	return errors.Join(unmap(data), os.NewSyscallError("close", unix.Close(life)))
}

// enough tells at once, and before anything is taken from others, that there is too little memory.
func enough(size int) error {
	// Beyond this limit there is not only an error: the kernel sends SIGXFSZ, which ends a Go program.
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err == nil && uint64(size) > limit.Cur {
		return fmt.Errorf("%d bytes, but files are limited to %d: %w", size, limit.Cur, unix.EFBIG)
	}
	left, err := bytesLeft()
	if err == nil && left < uint64(size) {
		sweep()
		left, err = bytesLeft()
	}
	if err == nil && left < uint64(size) {
		err = fmt.Errorf("%d bytes, but %s has %d left: %w", size, dir, left, unix.ENOSPC)
	}
	return err
}

func bytesLeft() (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, os.NewSyscallError("statfs "+dir, err)
	}
	if s.Blocks == 0 { // no limit
		return math.MaxUint64, nil
	}
	return s.Bavail * uint64(s.Bsize), nil
}

// reserveAtOnce is small enough for less than a millisecond. In some kernels a signal to the thread undoes the call that it
// interrupts, and a profiler, for one, sends a hundred a second.
const reserveAtOnce = 1 << 20

// fallocate is the kernel's. Tests interrupt it.
var fallocate = unix.Fallocate

// reserve takes memory for the whole file, and so gives it its size: memory that is missing is an error here, and not a
// SIGBUS for whoever touches it first. What was taken goes with the file.
func reserve(fd, size int) error {
	for at := 0; at < size; {
		n := min(size-at, reserveAtOnce)
		err := fallocate(fd, 0, int64(at), int64(n))
		if err == nil {
			at += n
		} else if !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("%d bytes, after %d: %w", size, at, os.NewSyscallError("fallocate", err))
		}
	}
	return nil
}
