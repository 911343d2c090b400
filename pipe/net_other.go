//go:build !linux

package pipe

import (
	"errors"
	"net"
	"os"
	"syscall"
)

func checkUnix(string) error { return errors.ErrUnsupported }

func (*Listener) listenUnix(string) error { return errors.ErrUnsupported }

// rights is not supported here, and nobody comes to it.
type rights struct {
	*net.UnixConn

	send *os.File
}

func (*rights) only() (*os.File, error) { return nil, errors.ErrUnsupported }

func (*rights) drop() {}

func credentials(*net.UnixConn) (Peer, error) { return Peer{}, errors.ErrUnsupported }

func tune(syscall.RawConn) {}

// eager leaves everything to who may wait.
type eager struct{}

func (eager) open(syscall.RawConn) {}

func (eager) write([]byte) (int, error) { return 0, nil }
