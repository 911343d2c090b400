package pipe

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A dial ends with its context wherever it is, and leaves nothing; so does Accept.
func TestNetDialGivenUp(t *testing.T) {
	onAll(t, func(t *testing.T, n network) {
		address := n.address
		if address == "" {
			address = "@mp-pipe-test-silent"
		}
		silent, err := net.Listen(n.network, address)
		ok(t, err)
		defer silent.Close()
		_, err = Dial(ended(), n.network, silent.Addr().String(), n.dialer)
		wants(t, "with a context that has ended", err, context.Canceled)
		begun := time.Now()
		limited, cancel := context.WithTimeout(ctx, short)
		defer cancel()
		_, err = Dial(limited, n.network, silent.Addr().String(), n.dialer)
		wants(t, "a listener that is silent", err, context.DeadlineExceeded)
		if took := time.Since(begun); took < short {
			t.Errorf("it waited for %v", took)
		}
		hasty := n.dialer
		hasty.HandshakeTimeout = short
		_, err = Dial(ctx, n.network, silent.Addr().String(), hasty)
		wants(t, "with a deadline of its own", err, os.ErrDeadlineExceeded)

		ok(t, silent.Close())
		l := n.listen(t)
		_, err = l.Accept(ended())
		wants(t, "Accept with a context that has ended", err, context.Canceled)
		greeted(t, n.dial(t, l), accept(t, l))
	})
}

// A Unix socket whose queue is full takes no more connections, at once; Dial waits until it does.
func TestNetDialWaitsForTheQueue(t *testing.T) {
	noLeaks(t)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	ok(t, err)
	const name = "@mp-pipe-test-full"
	ok(t, unix.Bind(fd, &unix.SockaddrUnix{Name: name}))
	ok(t, unix.Listen(fd, 0))
	file := os.NewFile(uintptr(fd), name)
	full, err := net.FileListener(file)
	ok(t, errors.Join(err, file.Close()))
	first, err := net.Dial("unix", name)
	ok(t, err)
	if _, err := net.Dial("unix", name); !errors.Is(err, unix.EAGAIN) {
		t.Fatalf("the queue is not full: %v", err)
	}
	limited, cancel := context.WithTimeout(ctx, short)
	defer cancel()
	_, err = connect(limited, "unix", name)
	wants(t, "while it is full", err, context.DeadlineExceeded)
	done := make(chan error, 1)
	go func() {
		c, err := connect(ctx, "unix", name)
		if err == nil {
			err = c.Close()
		}
		done <- err
	}()
	c, err := full.Accept()
	ok(t, err)
	ok(t, <-done)
	ok(t, errors.Join(c.Close(), first.Close(), full.Close()))
}

// T174: Wait tells of a connection that can be accepted, among others, and consumes nothing.
func TestNetWait(t *testing.T) {
	onAll(t, func(t *testing.T, n network) {
		l := n.listen(t)
		idle, _ := pair(t)
		if ready, err := Wait(ended(), idle, l); err == nil {
			t.Errorf("ready: %v", ready)
		}
		var c *Conn
		var all sync.WaitGroup
		all.Go(func() { c = n.dial(t, l) })
		for range 2 {
			ready, err := Wait(ctx, idle, l)
			ok(t, err)
			if len(ready) != 1 || ready[0] != l {
				t.Errorf("ready: %v", ready)
			}
		}
		all.Wait()
		b := accept(t, l)
		ok(t, c.SendBytes(ctx, nil))
		ready, err := Wait(ctx, l, idle, b)
		ok(t, err)
		if len(ready) != 1 || ready[0] != b {
			t.Errorf("ready: %v", ready)
		}
	})
}

// A message that is larger than the receiver wants is skipped.
func TestNetMaxMessage(t *testing.T) {
	onAll(t, func(t *testing.T, n network) {
		n.listener.MaxMessage, n.dialer.MaxMessage = 100, 200_000
		a, b := n.meet(t)
		for _, way := range []struct {
			from, to *Conn
			most     int
		}{{a, b, 100}, {b, a, 200_000}} {
			sent := make(chan error, 1)
			go func() {
				sent <- errors.Join(way.from.SendBytes(ctx, pattern(way.most+1)), way.from.SendBytes(ctx, pattern(way.most)))
			}()
			_, err := way.to.RecvBytes(ctx)
			wants(t, "one byte more", err, ErrTooLarge)
			m, err := way.to.RecvBytes(ctx)
			ok(t, errors.Join(err, <-sent))
			if !isPattern(m, way.most) {
				t.Errorf("%d bytes, not %d", len(m), way.most)
			}
		}
	})
}
