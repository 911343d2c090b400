package pipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// enough is more than any buffer on the way holds: the kernel may keep 32 MiB for a receiver that takes nothing.
const enough = 64 << 20

// onStreams runs a test over the networks that have a stream under them.
func onStreams(t *testing.T, test func(t *testing.T, n network)) {
	t.Helper()
	for _, name := range []string{"unix with TLS", "tcp", "TLS", "mutual TLS"} {
		t.Run(name, func(t *testing.T) {
			noLeaks(t)
			test(t, by(t, name))
		})
	}
}

// A message of which only a part was sent when the context ended never arrives; those after it do. The sender is released at once,
// though the receiver takes nothing.
func TestStreamSendGivenUp(t *testing.T) {
	onStreams(t, func(t *testing.T, n network) {
		a, b := n.meet(t)
		for round := range 5 {
			limited, cancel := context.WithTimeout(ctx, short)
			wants(t, "too much at once", a.SendBytes(limited, make([]byte, enough)), context.DeadlineExceeded)
			cancel()
			got := make(chan error, 1)
			go func() {
				m, err := b.RecvBytes(ctx)
				if err == nil && len(m) != round {
					err = fmt.Errorf("%d bytes arrived, not %d", len(m), round)
				}
				got <- err
			}()
			ok(t, a.SendBytes(ctx, make([]byte, round)))
			ok(t, <-got)
		}
	})
}

// A receive that is given up takes nothing, wherever the message is.
func TestStreamRecvGivenUp(t *testing.T) {
	onStreams(t, func(t *testing.T, n network) {
		a, b := n.meet(t)
		const messages, size = 20, 300_000
		sent := make(chan error, 1)
		go func() {
			for range messages {
				if err := a.SendBytes(ctx, pattern(size)); err != nil {
					sent <- err
					return
				}
			}
			sent <- nil
		}()
		for came := 0; came < messages; {
			limited, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(300))*time.Microsecond)
			m, err := b.RecvBytes(limited)
			cancel()
			switch {
			case err == nil && isPattern(m, size):
				came++
			case err == nil:
				t.Fatalf("message %d is not what was sent", came)
			case !errors.Is(err, context.DeadlineExceeded):
				t.Fatal(err)
			}
		}
		ok(t, <-sent)
	})
}

// Messages of several senders in both directions arrive whole, each once, to several receivers.
func TestStreamConcurrent(t *testing.T) {
	onStreams(t, func(t *testing.T, n network) {
		a, b := n.meet(t)
		const senders, each = 4, 100
		var all sync.WaitGroup
		for _, way := range [][2]*Conn{{a, b}, {b, a}} {
			var mu sync.Mutex
			seen := make(map[string]int)
			for s := range senders {
				all.Go(func() {
					for i := range each {
						m := bytes.Repeat(fmt.Appendf(nil, "%d of %d;", i, s), 1+i*i)
						if err := way[0].SendBytes(ctx, m); err != nil {
							t.Error(err)
							return
						}
					}
				})
				all.Go(func() {
					for range each {
						m, err := way[1].RecvBytes(ctx)
						if err != nil {
							t.Error(err)
							return
						}
						name, _, _ := bytes.Cut(m, []byte(";"))
						if !bytes.Equal(m, bytes.Repeat(append(name, ';'), bytes.Count(m, []byte(";")))) {
							t.Errorf("messages are mixed: %.100q", m)
						}
						mu.Lock()
						seen[string(name)]++
						mu.Unlock()
					}
				})
			}
			defer func() {
				if len(seen) != senders*each {
					t.Errorf("%d messages arrived", len(seen))
				}
			}()
		}
		all.Wait()
	})
}

// What was sent before Close arrives, also if the end had something to receive when it was closed, and the other end takes its time: the
// kernel would answer with a reset, and drop what it has not delivered yet.
func TestStreamCloseWithSomethingToReceive(t *testing.T) {
	onStreams(t, func(t *testing.T, n network) {
		a, b := n.meet(t)
		size := 1 << 20 // the sender's kernel holds that, and the receiver's does not
		if n.network == "unix" {
			size = 100_000
		}
		ok(t, b.SendBytes(ctx, pattern(size)))
		ok(t, a.SendBytes(ctx, pattern(size)))
		ok(t, a.Close())
		m, err := b.RecvBytes(ctx)
		ok(t, err)
		if !isPattern(m, size) {
			t.Errorf("%d bytes arrived", len(m))
		}
		_, err = b.RecvBytes(ctx)
		wants(t, "the end", err, io.EOF)
	})
}

// A file cannot cross a network.
func TestStreamFile(t *testing.T) {
	onStreams(t, func(t *testing.T, n network) {
		a, b := n.meet(t)
		wants(t, "a file", a.SendFile(ctx, nil), errors.ErrUnsupported)
		greeted(t, a, b)
	})
}

// Who waits comes back when the end is closed, and when the other is.
func TestStreamCloseWakes(t *testing.T) {
	onStreams(t, func(t *testing.T, n network) {
		a, b := n.meet(t)
		full, _ := n.meet(t)
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				_, err := a.RecvBytes(ctx)
				wants(t, "receiving when closed", err, ErrClosed)
			})
			all.Go(func() {
				_, err := b.RecvBytes(ctx)
				wants(t, "receiving when the other end is", err, io.EOF)
			})
			all.Go(func() {
				err := full.SendBytes(ctx, make([]byte, enough))
				wants(t, "sending when closed", err, ErrClosed)
			})
		}
		eventually(t, "a sender waits", func() bool {
			s := full.c.(*stream)
			s.outMu.Lock()
			defer s.outMu.Unlock()
			return s.draining && s.put-s.taken > streamRoom/2
		})
		ok(t, errors.Join(a.Close(), full.Close()))
		all.Wait()
	})
}

// An end that has just been taken out of this process, and put in again, goes on where it was.
func TestStreamMoves(t *testing.T) {
	noLeaks(t)
	a, b := by(t, "tcp").meet(t)
	const size = 700_000
	var all sync.WaitGroup
	all.Go(func() { // until it has sent one whole message
		for i := range 10 {
			if err := b.SendBytes(ctx, pattern(size+i)); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range 10 {
		limited, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(1000))*time.Microsecond)
		m, err := a.RecvBytes(limited)
		cancel()
		a = reattached(t, a)
		if err != nil {
			m, err = a.RecvBytes(ctx)
		}
		ok(t, err)
		if !isPattern(m, size+i) {
			t.Fatalf("message %d is another", i)
		}
	}
	all.Wait()

	// What was sent, and not taken by the kernel, goes along.
	limited, cancel := context.WithTimeout(ctx, short)
	defer cancel()
	wants(t, "too much at once", a.SendBytes(limited, make([]byte, enough)), context.DeadlineExceeded)
	a = reattached(t, a)
	sent := make(chan error, 1)
	go func() { sent <- a.SendBytes(ctx, pattern(size)) }()
	m, err := b.RecvBytes(ctx)
	ok(t, errors.Join(err, <-sent))
	if !isPattern(m, size) {
		t.Error("that is another message")
	}
	greeted(t, a, b)
}

// moved is an end, moved.
func reattached(t *testing.T, c *Conn) *Conn {
	t.Helper()
	p, err := c.detach()
	ok(t, err)
	_, err = c.RecvBytes(ctx)
	wants(t, "here", err, ErrMoved)
	c, err = attach(p)
	ok(t, err)
	t.Cleanup(func() { ok(t, c.Close()) })
	return c
}

// A TLS connection stays where it is, and works on.
func TestStreamCannotMove(t *testing.T) {
	noLeaks(t)
	for _, name := range []string{"TLS", "unix with TLS"} {
		a, b := by(t, name).meet(t)
		_, err := a.detach()
		wants(t, name, err, errors.ErrUnsupported)
		greeted(t, a, b)
	}
}

// What TLS answers by itself is bounded, too, if the other side takes nothing.
func TestStreamQueueIsBounded(t *testing.T) {
	var o outflow
	for range 4 * streamRoom / 1024 {
		o.enqueue(make([]byte, 1024))
	}
	_, err := o.room(1)
	wants(t, "far more than there is room for", err, io.ErrClosedPipe)
	if len(o.queue) > 0 {
		t.Errorf("%d bytes are kept", len(o.queue))
	}
}
