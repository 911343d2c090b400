package pipe

import (
	"context"
	"os"
)

// A carrier moves the bytes of one connection, both directions. Of its methods those for sending are called by one goroutine at a
// time, and those for receiving by one at a time; AwaitX, end, files and close by any number.
type carrier interface {
	// Sending. write takes as much of b as there is room for, without waiting; publish shows it to the other side. An
	// error means that the other side is gone (io.ErrClosedPipe) or broke the rules (ErrCorrupt).
	write(b []byte) (int, error)
	publish() error
	// awaitRoom waits until write would take at least one byte, or would fail.
	awaitRoom(ctx context.Context) error

	// Receiving. available is how many bytes read would return now, without waiting; once there are none and will never be, it is io.EOF.
	available() (int, error)
	// read takes min(len(dst), available) bytes.
	read(dst []byte) int
	// release gives their room back to the other side.
	release()
	// awaitBytes waits until available would say something else than 0, nil. Any number of goroutines may wait.
	awaitBytes(ctx context.Context) error

	// Files. errors.ErrUnsupported where there are none.
	sendFile(ctx context.Context, f *os.File) error
	takeFile(ctx context.Context) (*os.File, error)

	// close gives this side up; who waits comes back with ErrClosed.
	close() error
}
