package spawn

import (
	"errors"

	"golang.org/x/sys/unix"
)

// writeNow writes a frame to the worker if there is room, and does not wait. It goes by no deadline: a goroutine that is held up between
// setting one and the write, as on a busy machine, finds that it is over, and the frame would be lost though there is room. The kernel
// takes all of so few bytes, or nothing.
func (c *Child) writeNow(frame []byte) {
	raw, err := c.control.SyscallConn()
	if err != nil {
		return // it is closed: the worker has ended
	}
	_ = raw.Control(func(fd uintptr) {
		for {
			_, err := unix.SendmsgN(int(fd), frame, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
			if !errors.Is(err, unix.EINTR) {
				return
			}
		}
	})
}
