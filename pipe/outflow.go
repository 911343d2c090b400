package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
)

// streamRoom is how many bytes may wait for the kernel.
const streamRoom = 256 << 10

// outflow is the sending half of a stream.
type outflow struct {
	sink io.Writer // the socket
	seal io.Writer // encrypts into the queue; nil without TLS

	clear []byte // written, to be encrypted; the sender's

	outMu    sync.Mutex // guards what follows
	now      eager      // the socket
	queue    []byte     // for the kernel
	idle     []byte     // memory for the next queue
	put      uint64     // bytes that were ever queued
	taken    uint64     // of these, bytes that the kernel has, or that were given up
	draining bool       // a goroutine waits for the kernel
	finished bool       // nothing is queued any more
	sendErr  error      // nothing can be sent any more
	outWhy   error      // nobody may wait any more
	outBell  bell       // taken, sendErr, outWhy
}

func (*outflow) size() int { return streamRoom }

func (o *outflow) room(int) (int, error) {
	o.outMu.Lock()
	defer o.outMu.Unlock()
	if o.sendErr != nil {
		return 0, o.sendErr
	}
	return max(0, streamRoom-int(o.put-o.taken)-len(o.clear)), nil
}

func (o *outflow) write(b []byte) {
	if o.seal != nil {
		o.clear = append(o.clear, b...)
		return
	}
	o.enqueue(b)
}

// encrypt queues what was written, in few records.
func (o *outflow) encrypt() {
	if len(o.clear) == 0 {
		return
	}
	if _, err := o.seal.Write(o.clear); err != nil {
		o.fail(err)
	}
	o.clear = reuse(o.clear)
}

func (o *outflow) enqueue(b []byte) {
	o.outMu.Lock()
	defer o.outMu.Unlock()
	if o.sendErr == nil {
		o.queue = append(o.queue, b...)
		o.put += uint64(len(b))
	}
}

// try gives the kernel what it takes at once, and reports whether drain is needed for the rest.
func (o *outflow) try() (drain bool) {
	o.outMu.Lock()
	defer o.outMu.Unlock()
	if o.draining || o.sendErr != nil {
		return false
	}
	if len(o.queue) > 0 {
		n, err := o.now.write(o.queue)
		o.taken += uint64(n)
		o.outBell.ring() // a flush may wait for what a sender after it had queued
		if err != nil {
			o.failLocked(err)
			return false
		}
		if n < len(o.queue) {
			o.queue = o.queue[n:]
			o.draining = true
			return true
		}
		o.queue = reuse(o.queue)
	}
	o.shut()
	return false
}

// drain gives the kernel everything, as it has room, unless somebody else is to do that.
func (o *outflow) drain(stop *atomic.Bool) {
	for {
		o.outMu.Lock()
		b := o.queue
		if len(b) == 0 || o.sendErr != nil {
			o.draining = false
			o.shut()
			o.outMu.Unlock()
			return
		}
		o.queue, o.idle = o.idle, nil
		o.outMu.Unlock()
		n, err := o.sink.Write(b)
		o.outMu.Lock()
		o.taken += uint64(n)
		if err != nil && stop.Load() {
			o.queue = append(b[n:], o.queue...)
			o.outMu.Unlock()
			return
		}
		o.idle = reuse(b)
		if err != nil {
			o.failLocked(err)
		}
		o.outBell.ring()
		o.outMu.Unlock()
	}
}

// shut ends the stream of bytes, once all of them are the kernel's.
func (o *outflow) shut() {
	if w, ok := o.sink.(interface{ CloseWrite() error }); ok && o.finished {
		_ = w.CloseWrite()
	}
}

// sent reports whether anything ever was.
func (o *outflow) sent() bool {
	o.outMu.Lock()
	defer o.outMu.Unlock()
	return o.put > 0
}

func (o *outflow) finish() {
	o.outMu.Lock()
	defer o.outMu.Unlock()
	o.finished = true
}

func (o *outflow) fail(err error) {
	o.outMu.Lock()
	defer o.outMu.Unlock()
	o.failLocked(err)
}

func (o *outflow) failLocked(err error) {
	if o.sendErr != nil {
		return
	}
	o.sendErr = io.ErrClosedPipe
	if !isGone(err) {
		o.sendErr = fmt.Errorf("mp/pipe: %w: %w", io.ErrClosedPipe, err)
	}
	o.queue, o.taken = nil, o.put
	o.outBell.ring()
}

func (o *outflow) awaitRoom(ctx context.Context, n int) error {
	return o.awaitOut(ctx, func() bool { return streamRoom-int(o.put-o.taken) >= n })
}

// flush waits until the kernel has all that was published so far.
func (o *outflow) flush(ctx context.Context) {
	o.outMu.Lock()
	until := o.put
	o.outMu.Unlock()
	_ = o.awaitOut(ctx, func() bool { return o.taken >= until })
}

func (o *outflow) awaitOut(ctx context.Context, cond func() bool) error {
	for {
		o.outMu.Lock()
		if o.outWhy != nil || o.sendErr != nil || cond() {
			defer o.outMu.Unlock()
			return o.outWhy
		}
		bell := o.outBell.listen()
		o.outMu.Unlock()
		select {
		case <-bell:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// behind is what was sent and is not the kernel's yet.
func (o *outflow) behind() []byte {
	o.outMu.Lock()
	defer o.outMu.Unlock()
	return o.queue
}

func (o *outflow) interrupt(why error) {
	o.outMu.Lock()
	defer o.outMu.Unlock()
	o.outWhy = why
	o.outBell.ring()
}

// reuse is b's memory, empty, unless it is too much to keep.
func reuse(b []byte) []byte {
	if cap(b) > streamRoom/2 {
		return nil
	}
	return b[:0]
}

// isGone tells errors that only say that the other side has ended.
func isGone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}
