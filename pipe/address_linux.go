package pipe

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxPath is the longest path of a socket.
const maxPath = len(unix.RawSockaddrUnix{}.Path) - 1

func checkUnix(address string) error {
	switch {
	case address == "":
		return errors.New("unix: no address")
	case len(address) > maxPath:
		return fmt.Errorf(`unix %s: a path has at most %d bytes there; a "@name" needs no file`, address, maxPath)
	}
	return nil
}

func (l *Listener) listenUnix(address string) (err error) {
	if address == "" {
		address = "@mp-pipe-" + rand.Text()
	}
	if err := checkUnix(address); err != nil {
		return err
	}
	l.addr, l.remove = &net.UnixAddr{Name: address, Net: "unix"}, func() {}
	var lc net.ListenConfig
	if strings.HasPrefix(address, "@") {
		l.socket, err = lc.Listen(context.Background(), "unix", address)
		return err
	}
	path, err := filepath.Abs(address)
	if err != nil {
		return err
	}
	if len(l.config.AuthKey) == 0 {
		lc.Control = private
	}
	defer alone(path)()
	l.socket, err = lc.Listen(context.Background(), "unix", address)
	if errors.Is(err, unix.EADDRINUSE) && isStale(address) && os.Remove(path) == nil {
		l.socket, err = lc.Listen(context.Background(), "unix", address)
	}
	if err != nil {
		return err
	}
	l.socket.(*net.UnixListener).SetUnlinkOnClose(false) // it would remove whatever is there then
	mine, err := os.Lstat(path)
	if err != nil {
		return errors.Join(err, l.socket.Close())
	}
	l.remove = func() {
		defer alone(path)()
		if there, err := os.Lstat(path); err == nil && os.SameFile(mine, there) {
			_ = os.Remove(path)
		}
	}
	return nil
}

// private makes the path of a socket that is not bound yet its owner's only.
func private(_, _ string, c syscall.RawConn) error {
	var err error
	if cerr := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) }); cerr != nil {
		return cerr
	}
	return os.NewSyscallError("fchmod", err)
}

// isStale reports whether a path is a socket on which nobody listens.
func isStale(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return false
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		_ = c.Close()
	}
	return errors.Is(err, unix.ECONNREFUSED)
}

// alone keeps other processes that listen in the directory of path from it until the function that it returns is called: two that find
// the same stale file must not both remove it, for the second would remove the first's; nor must one find a socket that is bound and does
// not listen yet. It is a lock that everybody can hold who can read the directory, so patience has an end.
func alone(path string) (leave func()) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return func() {}
	}
	for range 1000 {
		if !errors.Is(unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return func() { dir.Close() }
}
