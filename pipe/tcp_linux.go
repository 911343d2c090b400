package pipe

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// resendEvery bounds the time between two attempts to reach a peer that does not acknowledge, so that the kernel gives up in less than a
// minute, not in a quarter of an hour. TCP_USER_TIMEOUT would do that too, but also to a peer that is well and just does not receive.
const resendEvery = 3000 // ms

// tune sets what package net has no name for. Kernels before 6.15 do not know it, nor do Unix sockets.
func tune(raw syscall.RawConn) {
	_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_RTO_MAX_MS, resendEvery) })
}

// eager writes to a socket what there is room for, without waiting.
type eager struct {
	raw     syscall.RawConn // nil if there is none
	attempt func(fd uintptr) bool

	b   []byte // to be written by the attempt
	n   int    // of it, written
	err error
}

func (e *eager) open(raw syscall.RawConn) {
	e.raw = raw
	e.attempt = func(fd uintptr) bool {
		for {
			e.n, e.err = unix.Write(int(fd), e.b)
			if !errors.Is(e.err, unix.EINTR) {
				return true
			}
		}
	}
}

func (e *eager) write(b []byte) (int, error) {
	if e.raw == nil {
		return 0, nil
	}
	e.b, e.n, e.err = b, 0, nil
	err := e.raw.Write(e.attempt)
	e.b = nil
	if err == nil && e.err != nil && !errors.Is(e.err, unix.EAGAIN) {
		err = os.NewSyscallError("write", e.err)
	}
	return max(0, e.n), err
}
