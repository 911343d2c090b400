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

// writeNow writes what there is room for, without waiting.
func writeNow(raw syscall.RawConn, b []byte) (n int, err error) {
	if raw == nil {
		return 0, nil
	}
	cerr := raw.Write(func(fd uintptr) bool {
		for {
			n, err = unix.Write(int(fd), b)
			if !errors.Is(err, unix.EINTR) {
				return true
			}
		}
	})
	if errors.Is(err, unix.EAGAIN) {
		return 0, cerr
	}
	return max(0, n), errors.Join(cerr, os.NewSyscallError("write", err))
}
