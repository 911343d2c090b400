package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// onStrangers runs a test over the networks that programs use who are no relatives, with the key as their roles want it.
func onStrangers(t *testing.T, test func(t *testing.T, n network, key string)) {
	t.Helper()
	for _, name := range []string{"path", "unix with a key", "tcp", "TLS"} {
		t.Run(name, func(t *testing.T) {
			noLeaks(t)
			n := by(t, name)
			key := string(n.dialer.AuthKey)
			if n.dialer.TLS != nil {
				key = "TLS:" + key
			}
			test(t, n, key)
		})
	}
}

// When Send has returned, the process may exit.
func TestNetExitAfterSend(t *testing.T) {
	onStrangers(t, func(t *testing.T, n network, key string) {
		l := n.listen(t)
		startStranger(t, "send", n.network, n.where(l), key)
		c := accept(t, l)
		m, err := c.RecvBytes(ctx)
		ok(t, err)
		if !isPattern(m, enough) {
			t.Errorf("%d bytes arrived", len(m))
		}
		_, err = c.RecvBytes(ctx)
		wants(t, "the end", err, io.EOF)
	})
}

// A dialer that is killed in the middle of a message leaves a part of it.
func TestNetKilledInMessage(t *testing.T) {
	onStrangers(t, func(t *testing.T, n network, key string) {
		l := n.listen(t)
		s := startStranger(t, "send", n.network, n.where(l), key)
		c := accept(t, l)
		s.says(t)
		eventually(t, "some of it has come", func() bool {
			limited, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			_, err := c.RecvBytes(limited) // what has come stays with the Conn
			wants(t, "there is no room for all of it on the way", err, context.DeadlineExceeded)
			c.rx.mu.Lock()
			defer c.rx.mu.Unlock()
			return c.in.open
		})
		s.kill()
		_, err := c.RecvBytes(ctx)
		wants(t, "the message", err, io.ErrUnexpectedEOF)
		_, err = c.RecvBytes(ctx)
		wants(t, "behind it", err, io.EOF)
		wants(t, "sending to the dead", c.SendBytes(ctx, nil), io.ErrClosedPipe)
	})
}

// A dialer that is killed in its handshake leaves nothing.
func TestNetKilledInHandshake(t *testing.T) {
	onStrangers(t, func(t *testing.T, n network, _ string) {
		l := n.listen(t)
		for range 3 {
			s := startStranger(t, "half a stream", n.network, l.Addr().String())
			if says := s.says(t); says != "<nil>" {
				t.Fatal(says)
			}
			s.kill()
		}
		greeted(t, n.dial(t, l), accept(t, l))
		eventually(t, "nobody is in the handshake", func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return len(l.shaking) == 0
		})
	})
}

// T131: a listener that is killed is the end of its connections, and its address can be listened on again at once.
func TestNetListenerKilled(t *testing.T) {
	for _, name := range []string{"path", "abstract", "unix with a key", "tcp"} {
		t.Run(name, func(t *testing.T) {
			noLeaks(t)
			n := by(t, name)
			address := n.address
			for range 5 {
				s := startStranger(t, "listen", n.network, address, string(n.listener.AuthKey))
				address = s.says(t)
				c, err := Dial(ctx, n.network, address, n.dialer)
				ok(t, err)
				checkEcho(t, c)
				s.kill()
				_, err = c.RecvBytes(ctx)
				wants(t, "the listener is dead", err, io.EOF)
				wants(t, "the listener is dead", c.SendBytes(ctx, nil), io.ErrClosedPipe)
				_, err = Dial(ctx, n.network, address, n.dialer)
				wants(t, "nobody listens", err, syscall.ECONNREFUSED)
				ok(t, c.Close())
			}
		})
	}
}

// T189, F141: signals interrupt nothing.
func TestNetSignals(t *testing.T) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	defer signal.Stop(signals)
	onAll(t, func(t *testing.T, n network) {
		l := n.listen(t)
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				case <-time.After(50 * time.Microsecond):
					_ = unix.Kill(os.Getpid(), syscall.SIGUSR1)
				}
			}
		}()
		done := make(chan error, 1)
		go func() {
			for i := range 10 {
				c, err := l.Accept(ctx)
				if err != nil {
					done <- fmt.Errorf("accept %d: %w", i, err)
					return
				}
				serveEcho(c)
			}
			done <- nil
		}()
		for range 10 {
			c, err := Dial(ctx, n.network, n.where(l), n.dialer)
			ok(t, err)
			checkEcho(t, c)
			ok(t, c.Close())
		}
		close(stop)
		<-stopped
		ok(t, errors.Join(<-done))
	})
}
