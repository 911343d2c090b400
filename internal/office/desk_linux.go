package office

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// A deposit is what lies under a token: bytes, and descriptors that nobody else in this process knows of.
type deposit struct {
	state []byte
	fds   []int
}

// deposited makes a deposit of copies.
func deposited(state []byte, files []*os.File) (deposit, error) {
	d := deposit{state: append([]byte(nil), state...)}
	for _, f := range files {
		fd, err := duplicate(f)
		if err != nil {
			d.close()
			return deposit{}, err
		}
		d.fds = append(d.fds, fd)
	}
	return d, nil
}

func duplicate(f *os.File) (copied int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return -1, err
	}
	if raw.Control(func(fd uintptr) { copied, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }) != nil {
		return -1, os.ErrClosed
	}
	if err != nil {
		return -1, os.NewSyscallError("fcntl F_DUPFD_CLOEXEC", err)
	}
	return copied, nil
}

// files hands the descriptors over.
func (d *deposit) files() []*os.File {
	files := make([]*os.File, len(d.fds))
	for i, fd := range d.fds {
		files[i] = os.NewFile(uintptr(fd), "from the office")
	}
	d.fds = nil
	return files
}

func (d *deposit) close() {
	for _, fd := range d.fds {
		_ = unix.Close(fd)
	}
	d.fds = nil
}

// A desk is where deposits lie. The descriptors are bare numbers: an os.File would wake this process for each byte that comes to
// a socket which is not its own.
type desk struct {
	mu       sync.Mutex
	deposits map[Token]deposit
}

// own is that of the family's first process.
var own desk

var errTaken = errors.New("mp: there is a deposit under this token already")

func (k *desk) put(token Token, d deposit) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.deposits[token]; ok {
		return errTaken
	}
	if k.deposits == nil {
		k.deposits = make(map[Token]deposit)
	}
	k.deposits[token] = d
	return nil
}

func (k *desk) take(token Token) (deposit, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	d, ok := k.deposits[token]
	delete(k.deposits, token)
	return d, ok
}

func (k *desk) has(token Token) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.deposits[token]
	return ok
}

func (k *desk) drop(token Token) {
	d, _ := k.take(token)
	d.close()
}
