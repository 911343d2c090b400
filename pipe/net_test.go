package pipe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
)

// F135, F138, T161: both sides exchange messages over every network, of every size.
func TestNetMessages(t *testing.T) {
	onAll(t, func(t *testing.T, n network) {
		a, b := n.meet(t)
		for _, size := range []int{0, 1, 7, 8, 9, 4096, 1<<16 - 1, 1 << 16, 1<<16 + 1, 1 << 20, 5<<20 + 3} {
			for _, way := range [][2]*Conn{{a, b}, {b, a}} {
				sent := make(chan error, 1)
				go func() { sent <- way[0].SendBytes(ctx, pattern(size)) }()
				got, err := way[1].RecvBytes(ctx)
				ok(t, errors.Join(err, <-sent))
				if !isPattern(got, size) {
					t.Fatalf("%d bytes came as %d", size, len(got))
				}
			}
		}
	})
}

// F137: the end of one side is the end of the other, behind what was sent before; what is sent then fails.
func TestNetClose(t *testing.T) {
	onAll(t, func(t *testing.T, n network) {
		a, b := n.meet(t)
		for i := range 10 {
			ok(t, a.SendBytes(ctx, bytes.Repeat([]byte{byte(i)}, 10_000)))
		}
		ok(t, a.Close())
		for i := range 10 {
			got, err := b.RecvBytes(ctx)
			ok(t, err)
			if !bytes.Equal(got, bytes.Repeat([]byte{byte(i)}, 10_000)) {
				t.Fatalf("message %d is another", i)
			}
		}
		_, err := b.RecvBytes(ctx)
		wants(t, "after the end", err, io.EOF)
		wants(t, "sending to the end", b.SendBytes(ctx, nil), io.ErrClosedPipe)
		_, err = a.RecvBytes(ctx)
		wants(t, "receiving when closed", err, ErrClosed)
	})
}

// T165: a dialer that has sent and closed before Accept is served all the same.
func TestNetGoneBeforeAccept(t *testing.T) {
	onAll(t, func(t *testing.T, n network) {
		l := n.listen(t)
		c, err := Dial(ctx, n.network, n.where(l), n.dialer)
		ok(t, err)
		ok(t, c.SendBytes(ctx, []byte("hello")))
		ok(t, c.Close())
		got, err := accept(t, l).RecvBytes(ctx)
		ok(t, err)
		if string(got) != "hello" {
			t.Errorf("%q", got)
		}
	})
}

// T166, T167: what the acceptor has sent can be waited for, also if it is empty, and is not consumed by that.
func TestNetPoll(t *testing.T) {
	onAll(t, func(t *testing.T, n network) {
		a, b := n.meet(t)
		if some, err := a.Poll(ended()); some || !errors.Is(err, context.Canceled) {
			t.Errorf("nothing was sent: %v, %v", some, err)
		}
		ok(t, b.SendBytes(ctx, nil))
		for range 3 {
			some, err := a.Poll(ctx)
			ok(t, err)
			if !some {
				t.Error("nothing there")
			}
		}
		got, err := a.RecvBytes(ctx)
		ok(t, err)
		if len(got) != 0 {
			t.Errorf("%q", got)
		}
	})
}
