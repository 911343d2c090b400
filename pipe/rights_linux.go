package pipe

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// rights is a Unix socket that sends a file with the next write, and keeps those that come with reads.
type rights struct {
	*net.UnixConn

	send *os.File
	came []*os.File
	lost bool // there was no descriptor for one that came
}

// Write sends all of b at once.
func (r *rights) Write(b []byte) (int, error) {
	var oob []byte
	if r.send != nil {
		oob = unix.UnixRights(int(r.send.Fd())) // Fd makes a file blocking; memory does not care
		r.send = nil
	}
	n, _, err := r.WriteMsgUnix(b, oob, nil)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite // of some bytes in an empty socket
	}
	return n, err
}

func (r *rights) Read(b []byte) (int, error) {
	oob := make([]byte, unix.CmsgSpace(4))
	n, oobn, flags, _, err := r.ReadMsgUnix(b, oob)
	r.lost = r.lost || flags&unix.MSG_CTRUNC != 0
	messages, perr := unix.ParseSocketControlMessage(oob[:oobn])
	if perr != nil {
		return 0, corrupt("control message: %v", perr)
	}
	for _, m := range messages {
		fds, _ := unix.ParseUnixRights(&m)
		for _, fd := range fds {
			r.came = append(r.came, os.NewFile(uintptr(fd), "mp-pipe"))
		}
	}
	return n, err
}

// only is the one file that came.
func (r *rights) only() (*os.File, error) {
	switch {
	case r.lost:
		return nil, fmt.Errorf("the connection's memory: %w", os.NewSyscallError("recvmsg", unix.EMFILE))
	case len(r.came) != 1:
		return nil, corrupt("%d files with the verdict", len(r.came))
	}
	f := r.came[0]
	r.came = nil
	return f, nil
}

// drop closes what came.
func (r *rights) drop() {
	for _, f := range r.came {
		f.Close()
	}
	r.came = nil
}

// credentials is who was at the other end of a Unix socket when it was connected.
func credentials(c *net.UnixConn) (Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	return peerOf(raw)
}

func peerOf(raw syscall.RawConn) (Peer, error) {
	var cred *unix.Ucred
	var err error
	cerr := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err = errors.Join(cerr, os.NewSyscallError("getsockopt SO_PEERCRED", err)); err != nil {
		return Peer{PID: -1, UID: -1, GID: -1}, err
	}
	return Peer{PID: int(cred.Pid), UID: int(cred.Uid), GID: int(cred.Gid)}, nil
}
