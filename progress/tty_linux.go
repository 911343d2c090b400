package progress

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// terminal is the terminal that w is, on which the cursor can be moved; nil if it is none.
func terminal(w io.Writer) *os.File {
	f, ok := w.(*os.File)
	if !ok || f == nil || os.Getenv("TERM") == "dumb" {
		return nil
	}
	conn, err := f.SyscallConn() // Fd would make a pipe block
	if err != nil {
		return nil
	}
	is := false
	if err := conn.Control(func(fd uintptr) {
		_, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
		is = err == nil
	}); err != nil || !is {
		return nil
	}
	return f
}
