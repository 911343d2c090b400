package office

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
)

// A letter is a request or an answer.
type letter struct {
	kind  byte
	token Token
	deposit
}

func (l *letter) send(conn *net.UnixConn) error {
	head := append(make([]byte, 0, abi.OfficeHead+len(l.state)), l.token[:]...)
	head = binary.LittleEndian.AppendUint32(head, uint32(len(l.state)))
	head = binary.LittleEndian.AppendUint32(head, uint32(len(l.fds)))
	head = append(head, l.kind, 0, 0, 0, 0, 0, 0, 0)
	if _, err := conn.Write(append(head, l.state...)); err != nil {
		return err
	}
	for rest := l.fds; len(rest) > 0; {
		n := min(len(rest), abi.OfficeGroup)
		if _, _, err := conn.WriteMsgUnix([]byte{0}, unix.UnixRights(rest[:n]...), nil); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// receive reads a letter. Nothing is allocated for a length before it is looked at. What a peer sends along with other bytes than
// those for it, the kernel closes.
func receive(conn *net.UnixConn) (*letter, error) {
	var head [abi.OfficeHead]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(head[abi.OfficeToken:])
	files := binary.LittleEndian.Uint32(head[abi.OfficeToken+4:])
	if size > abi.OfficeMaxState || files > abi.OfficeMaxFiles {
		return nil, fmt.Errorf("mp: a letter of %d bytes and %d files", size, files)
	}
	l := &letter{kind: head[abi.OfficeToken+8], token: Token(head[:]), deposit: deposit{state: make([]byte, size)}}
	if _, err := io.ReadFull(conn, l.state); err != nil {
		return nil, err
	}
	if err := l.receiveFiles(conn, int(files)); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *letter) receiveFiles(conn *net.UnixConn, n int) error {
	oob := make([]byte, unix.CmsgSpace(4*min(n, abi.OfficeGroup)))
	for n > 0 {
		group := min(n, abi.OfficeGroup)
		_, oobn, flags, _, err := conn.ReadMsgUnix(make([]byte, 1), oob)
		if err != nil {
			return err
		}
		fds, err := rights(oob[:oobn])
		l.fds = append(l.fds, fds...)
		if err != nil {
			return err
		}
		if len(fds) != group || flags&unix.MSG_CTRUNC != 0 {
			return fmt.Errorf("mp: %d of %d files came: %w", len(fds), group, unix.EMFILE)
		}
		n -= group
	}
	return nil
}

// rights are the descriptors in control messages, also if there is an error.
func rights(oob []byte) (fds []int, err error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	for i := range messages {
		got, perr := unix.ParseUnixRights(&messages[i])
		fds = append(fds, got...)
		err = errors.Join(err, perr)
	}
	return fds, err
}
