package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
)

// errFileLost is what came of a file for which the receiving process had no descriptor, or that was never sent.
var errFileLost = errors.New("mp/pipe: the file did not come: perhaps this process has too many open")

// sendFile sends the descriptor. Its message must follow at once.
func (r *rings) sendFile(ctx context.Context, f *os.File) error {
	ready := func() bool {
		n, err := r.filesUnderWay()
		return n < abi.PipeMaxFiles || err != nil
	}
	if !ready() {
		if err := r.sleep(ctx, r.tx.writing, ready); err != nil {
			return err
		}
	}
	if _, err := r.filesUnderWay(); err != nil {
		return err
	}
	if err := r.send(ctx, f); err != nil {
		return err
	}
	r.fileAt = append(r.fileAt, r.at)
	return nil
}

// filesUnderWay is how many files were sent whose messages the other end has not consumed.
func (r *rings) filesUnderWay() (int, error) {
	if _, err := r.room(0); err != nil {
		return 0, err
	}
	free, err := r.out.Free()
	if err != nil {
		return 0, corrupt("%v", err)
	}
	head := r.at - uint64(r.size()-free)
	for len(r.fileAt) > 0 && r.at-head <= r.at-r.fileAt[0]-1 {
		r.fileAt = r.fileAt[1:]
	}
	return len(r.fileAt), nil
}

// retry is how long send waits when the socket is full, which takes an other end that does not read it.
const retry = time.Millisecond

// send sends a descriptor over the socket.
func (r *rings) send(ctx context.Context, f *os.File) error {
	file, err := f.SyscallConn()
	if err != nil {
		return err
	}
	for {
		var sent error
		err := file.Control(func(fd uintptr) {
			rights := unix.UnixRights(int(fd))
			_ = r.raw.Control(func(to uintptr) {
				sent = unix.Sendmsg(int(to), fileByte, rights, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
			})
		})
		switch {
		case err != nil: // that is the only reason
			return fmt.Errorf("mp/pipe: SendFile: %w", os.ErrClosed)
		case sent == nil:
			return nil
		case errors.Is(sent, unix.EPIPE), errors.Is(sent, unix.ECONNRESET):
			return io.ErrClosedPipe
		case !errors.Is(sent, unix.EAGAIN) && !errors.Is(sent, unix.EINTR):
			return fmt.Errorf("mp/pipe: %w", os.NewSyscallError("sendmsg", sent))
		}
		wait := time.NewTimer(retry)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		}
		if err := r.why.get(); err != nil {
			return err
		}
	}
}

var fileByte = []byte{abi.PipeFile}

// takeFile returns the next file, whose message has come.
func (r *rings) takeFile() (*os.File, error) {
	_ = r.raw.Control(func(fd uintptr) { r.drain(int(fd)) })
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.files.Len() == 0 {
		return nil, corrupt("the message of a file that was not sent")
	}
	f := r.files.First()
	r.files.Pop()
	if f == nil {
		return nil, errFileLost
	}
	return f, nil
}
