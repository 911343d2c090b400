package pipe

import (
	"context"
	"os"
)

// A carrier moves the bytes of one connection, both directions. Of its methods those for sending are called by one goroutine at a
// time, and those for receiving by one at a time; awaitBytes and interrupt by any number, at any time before close.
type carrier interface {
	// Sending. size is how many bytes there is room for at the most, at least 128.
	size() int
	// room is how many bytes write would take now, or at least want of them. An error means that the other side is gone
	// (io.ErrClosedPipe) or broke the rules (ErrCorrupt).
	room(want int) (int, error)
	// write takes all of b, for which there must be room. The other side sees it after publish.
	write(b []byte)
	publish()
	// awaitRoom waits until there is room for n bytes, at most a quarter of size or 32, or until room would fail.
	awaitRoom(ctx context.Context, n int) error

	// Receiving. available is how many bytes read would return now, without waiting; once there are none and will never be, it is io.EOF.
	available() (int, error)
	// read takes min(len(dst), available) bytes.
	read(dst []byte) int
	// release gives their room back to the other side.
	release()
	// awaitBytes waits until available would say something else than what it said last, if that was 0, nil.
	awaitBytes(ctx context.Context) error

	// Files. errors.ErrUnsupported where there are none. takeFile does not wait: the file comes before its message.
	sendFile(ctx context.Context, f *os.File) error
	takeFile() (*os.File, error)

	// interrupt makes who waits, now or later, come back with this error.
	interrupt(why error)
	// close gives this side up, when nobody is inside any more. What was published before still reaches the other side.
	close() error
}
