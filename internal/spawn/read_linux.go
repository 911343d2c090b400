package spawn

import (
	"errors"

	"golang.org/x/sys/unix"
)

// readNow reads what is there, without waiting; 0 if nothing is.
func (l *lines) readNow(buf []byte) (n int, err error) {
	raw, err := l.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	cerr := raw.Control(func(fd uintptr) {
		for {
			n, err = unix.Read(int(fd), buf)
			if !errors.Is(err, unix.EINTR) {
				return
			}
		}
	})
	if cerr != nil {
		return 0, cerr
	}
	return max(n, 0), err
}
