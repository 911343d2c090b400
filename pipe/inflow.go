package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// A stream reads ahead into a ring that grows from the first of these sizes to the second.
const (
	leastAhead = 4 << 10
	mostAhead  = 64 << 10
)

// inflow is the receiving half of a stream.
type inflow struct {
	source io.Reader // the socket, or TLS over it; read by one goroutine, pump

	inMu       sync.Mutex // guards what follows
	ring       []byte     // its length a power of two. From tail to head it is pump's, also without the lock
	head, tail uint64     // bytes read out of it, bytes read into it
	discarding bool
	halted     bool  // pump shall end
	recvErr    error // what comes behind the bytes
	inWhy      error // nobody may wait any more
	bytesBell  bell  // bytes, recvErr or inWhy
	roomBell   bell  // room in the ring, discarding or halted
}

// space is where pump may read to. It waits for it; nil is the end.
func (i *inflow) space() []byte {
	for {
		i.inMu.Lock()
		if i.halted {
			i.inMu.Unlock()
			return nil
		}
		if i.discarding {
			i.head = i.tail
		}
		if int(i.tail-i.head) == len(i.ring) && len(i.ring) < mostAhead {
			i.grow()
		}
		if free := len(i.ring) - int(i.tail-i.head); free > 0 {
			at := int(i.tail) & (len(i.ring) - 1)
			b := i.ring[at:min(at+free, len(i.ring))]
			i.inMu.Unlock()
			return b
		}
		bell := i.roomBell.listen()
		i.inMu.Unlock()
		<-bell
	}
}

func (i *inflow) grow() {
	more := make([]byte, max(leastAhead, 2*len(i.ring)))
	n := i.copyOut(more)
	i.ring, i.head, i.tail = more, 0, uint64(n)
}

// copyOut copies what there is, as far as dst goes.
func (i *inflow) copyOut(dst []byte) int {
	dst = dst[:min(len(dst), int(i.tail-i.head))]
	if len(dst) == 0 {
		return 0
	}
	at := int(i.head) & (len(i.ring) - 1)
	n := copy(dst, i.ring[at:])
	return n + copy(dst[n:], i.ring)
}

// came takes note of n bytes in the space, and of an error behind them.
func (i *inflow) came(n int, err error) {
	i.inMu.Lock()
	defer i.inMu.Unlock()
	i.tail += uint64(n)
	if err != nil {
		i.recvErr = ending(err)
	}
	i.bytesBell.ring()
}

// ending is what an error of reading means to who receives.
func ending(err error) error {
	var socket *net.OpError
	switch {
	case isGone(err):
		return io.EOF
	case errors.As(err, &socket) && socket.Op == "read":
		return fmt.Errorf("mp/pipe: the connection is lost: %w", err)
	}
	return corrupt("%v", err) // TLS says so
}

func (i *inflow) available() (int, error) {
	i.inMu.Lock()
	defer i.inMu.Unlock()
	if n := int(i.tail - i.head); n > 0 {
		return n, nil
	}
	return 0, i.recvErr
}

func (i *inflow) read(dst []byte) int {
	i.inMu.Lock()
	defer i.inMu.Unlock()
	n := i.copyOut(dst)
	i.head += uint64(n)
	return n
}

func (i *inflow) release() {
	i.inMu.Lock()
	defer i.inMu.Unlock()
	i.roomBell.ring()
}

func (i *inflow) awaitBytes(ctx context.Context) error {
	for {
		i.inMu.Lock()
		if i.inWhy != nil || i.recvErr != nil || i.tail > i.head {
			defer i.inMu.Unlock()
			return i.inWhy
		}
		bell := i.bytesBell.listen()
		i.inMu.Unlock()
		select {
		case <-bell:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (i *inflow) halt() {
	i.inMu.Lock()
	defer i.inMu.Unlock()
	i.halted = true
	i.roomBell.ring()
}

// ahead is what was read from the source and not received.
func (i *inflow) ahead() []byte {
	i.inMu.Lock()
	defer i.inMu.Unlock()
	b := make([]byte, i.tail-i.head)
	i.copyOut(b)
	return b
}

// resume begins with what another inflow had read ahead.
func (i *inflow) resume(ahead []byte) {
	for len(i.ring) < len(ahead) {
		i.grow()
	}
	i.tail = uint64(copy(i.ring, ahead))
}

func (i *inflow) discard() {
	i.inMu.Lock()
	defer i.inMu.Unlock()
	i.discarding = true
	i.roomBell.ring()
}

func (i *inflow) interrupt(why error) {
	i.inMu.Lock()
	defer i.inMu.Unlock()
	i.inWhy = why
	i.bytesBell.ring()
}
