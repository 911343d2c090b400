package pipe

import (
	"context"
	"encoding/binary"
	"errors"
	"io"

	"github.com/go-multiproc/mp/internal/abi"
)

const (
	wordSize = 8
	// spare is the room that a message which is not complete leaves, so that it can be given up at any time.
	spare = wordSize
	// leastRoom is enough for a part of any message: two words, some bytes, and the spare room.
	leastRoom = 4 * wordSize
)

func padding(n int) int { return -n & (abi.PipeAlign - 1) }

// frameSize is how much room a message of n bytes takes, sent at once.
func frameSize(n int) int {
	size := n + padding(n)
	if n <= abi.PipeMaxChunk {
		return wordSize + size
	}
	return wordSize + size + (size+abi.PipeMaxChunk-1)/abi.PipeMaxChunk*wordSize
}

// SendBytes sends a message, of any length. When it returns, b is the caller's again. If ctx ends before the whole message is
// on its way, it is not sent. If the other end is closed, or its process is dead, the error is io.ErrClosedPipe.
func (c *Conn) SendBytes(ctx context.Context, b []byte) error { return c.send(ctx, abi.PipeBytes, b) }

// TrySendBytes is SendBytes that never waits: it sends the message whole, or returns ErrFull.
func (c *Conn) TrySendBytes(b []byte) error {
	c.tx.mu.Lock()
	defer c.tx.mu.Unlock()
	sent, err := c.trySend(abi.PipeBytes, b)
	switch {
	case err != nil:
		return err
	case sent:
		return nil
	case frameSize(len(b)) > c.c.size():
		return ErrTooLarge
	}
	return ErrFull
}

func (c *Conn) send(ctx context.Context, kind uint8, b []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(b) <= abi.PipeMaxChunk { // a larger one is better shown piece by piece
		c.tx.mu.Lock()
		sent, err := c.trySend(kind, b)
		c.tx.mu.Unlock()
		if err != nil {
			return err
		}
		if sent {
			c.flush(ctx)
			return nil
		}
	}
	if err := c.exclusively(ctx, &c.tx, func() error { return c.stream(ctx, kind, b) }); err != nil {
		return err
	}
	c.flush(ctx)
	return nil
}

// flush waits until the message is no longer this process's, so that it may exit. If ctx ends first, that changes nothing: the message
// is sent.
func (c *Conn) flush(ctx context.Context) {
	if s, ok := c.c.(*stream); ok {
		s.flush(ctx)
	}
}

// trySend sends a message if it may and there is room for all of it. Call it with the lane's lock.
func (c *Conn) trySend(kind uint8, b []byte) (sent bool, err error) {
	if c.gone != nil || c.tx.taken {
		return false, c.gone
	}
	want := frameSize(len(b))
	room, err := c.c.room(want)
	if room < want || err != nil {
		return false, err
	}
	for n := 0; n < len(b) || n == 0; {
		k, used := c.put(kind, b, n, room)
		n += k
		room -= used
		if k == 0 {
			break
		}
	}
	c.c.publish()
	return true, nil
}

// stream sends a message of any size, as there is room.
func (c *Conn) stream(ctx context.Context, kind uint8, b []byte) error {
	for n := 0; ; {
		want := min(frameSize(len(b)-n)+2*wordSize, max(c.c.size()/4, leastRoom))
		room, err := c.awaitRoom(ctx, want)
		if err != nil {
			if n > 0 && !errors.Is(err, io.ErrClosedPipe) && !errors.Is(err, ErrCorrupt) {
				c.word(0, 0, abi.PipeAbort)
				c.c.publish()
			}
			return err
		}
		k, _ := c.put(kind, b, n, room)
		c.c.publish()
		if n += k; n == len(b) {
			return nil
		}
	}
}

// awaitRoom waits for room, and tells how much there is. It fails, too, if there is room and the end must not be used any longer.
func (c *Conn) awaitRoom(ctx context.Context, want int) (int, error) {
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := c.c.awaitRoom(ctx, want); err != nil {
			return 0, err
		}
		if room, err := c.c.room(want); err != nil || room >= want {
			return room, err
		}
	}
}

// put writes a chunk: as much as there is room for of what follows the first n bytes of b. It tells how many of them that are,
// and how much room it took.
func (c *Conn) put(kind uint8, b []byte, n, room int) (k, used int) {
	flags := uint8(0)
	if n == 0 {
		flags = abi.PipeFirst
	}
	k = len(b) - n
	if used = wordSize + k + padding(k); k <= abi.PipeMaxChunk && used <= room {
		c.word(k, kind, flags|abi.PipeLast)
		c.c.write(b[n:])
		if used > wordSize+k {
			c.c.write(zeros[:padding(k)])
		}
		return k, used
	}
	words := wordSize
	if n == 0 {
		words += wordSize
	}
	k = min((room-words-spare)&^(abi.PipeAlign-1), abi.PipeMaxChunk)
	c.word(k, kind, flags)
	if n == 0 {
		c.write64(uint64(len(b)))
	}
	c.c.write(b[n : n+k])
	return k, words + k
}

var zeros [abi.PipeAlign]byte

func (c *Conn) word(length int, kind, flags uint8) { c.write64(abi.PipeWord(length, kind, flags)) }

func (c *Conn) write64(w uint64) {
	binary.LittleEndian.PutUint64(c.scratch[:], w)
	c.c.write(c.scratch[:])
}
