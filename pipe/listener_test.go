package pipe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A doorway is a net.Listener without a network.
type doorway struct {
	conns  chan net.Conn
	fails  chan error
	done   chan struct{}
	once   sync.Once
	visits atomic.Int64 // calls of Accept
}

func (d *doorway) Accept() (net.Conn, error) {
	d.visits.Add(1)
	select {
	case c := <-d.conns:
		return c, nil
	case err := <-d.fails:
		return nil, err
	case <-d.done:
		return nil, net.ErrClosed
	}
}

func (d *doorway) Close() error {
	d.once.Do(func() { close(d.done) })
	return nil
}

func (*doorway) Addr() net.Addr { return &net.UnixAddr{Name: "doorway"} }

// connect returns a connection on which nothing was said yet.
func (d *doorway) connect() net.Conn {
	a, b := net.Pipe()
	d.conns <- b
	return a
}

// dial connects a Conn.
func (d *doorway) dial(c Config) (*Conn, error) {
	c = c.withDefaults()
	m := c.meet(d.connect(), 1)
	if err := m.dial(""); err != nil {
		m.close()
		return nil, err
	}
	return m.open()
}

// inDoorway runs a test of a listener, in time of its own.
func inDoorway(t *testing.T, c Config, test func(t *testing.T, l *Listener, d *doorway)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &doorway{conns: make(chan net.Conn), fails: make(chan error), done: make(chan struct{})}
		l := &Listener{config: c.withDefaults(), socket: d, addr: d.Addr(), remove: func() {}}
		l.work.Go(l.serve)
		test(t, l, d)
		ok(t, l.Close())
		time.Sleep(2 * linger) // such connections have no halves that could end
	})
}

// greeted checks that two Conns are connected.
func greeted(t *testing.T, a, b *Conn) {
	t.Helper()
	for _, way := range [][2]*Conn{{a, b}, {b, a}} {
		ok(t, way[0].SendBytes(ctx, []byte("hello")))
		got, err := way[1].RecvBytes(ctx)
		ok(t, err)
		if string(got) != "hello" {
			t.Errorf("%q", got)
		}
	}
}

// H22, W35: peers that say nothing, or a byte each second, hold nobody up, and are dropped when their time is over.
func TestListenerSlowPeers(t *testing.T) {
	inDoorway(t, Config{AuthKey: secret}, func(t *testing.T, l *Listener, d *doorway) {
		begun := time.Now()
		var peers sync.WaitGroup
		for i := range 50 {
			c := d.connect()
			peers.Go(func() {
				_, _ = io.ReadFull(c, make([]byte, 48))
				for i%2 == 0 {
					if _, err := c.Write([]byte{0}); err != nil {
						break
					}
					time.Sleep(time.Second)
				}
				_, err := c.Read(make([]byte, 1))
				wants(t, "a slow peer", err, io.EOF)
				// Of 80 bytes, ten have come.
				if took := time.Since(begun); took < 10*time.Second || took >= 12*time.Second {
					t.Errorf("dropped after %v", took)
				}
			})
		}
		a, err := d.dial(Config{AuthKey: secret})
		ok(t, err)
		b, err := l.Accept(ctx)
		ok(t, err)
		greeted(t, a, b)
		if took := time.Since(begun); took != 0 {
			t.Errorf("they cost %v", took)
		}
		peers.Wait()
		ok(t, errors.Join(a.Close(), b.Close()))
	})
}

// However many say nothing, there are MaxHandshakes of them, and those that come last.
func TestListenerDropsTheOldest(t *testing.T) {
	inDoorway(t, Config{AuthKey: secret, MaxHandshakes: 4}, func(t *testing.T, l *Listener, d *doorway) {
		var silent []net.Conn
		for range 10 {
			silent = append(silent, d.connect())
		}
		a, err := d.dial(Config{AuthKey: secret})
		ok(t, err)
		b, err := l.Accept(ctx)
		ok(t, err)
		greeted(t, a, b)
		for i, c := range silent {
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			_, err := io.ReadFull(c, make([]byte, 48))
			if dropped := i < 7; dropped != (err != nil) {
				t.Errorf("connection %d of 10 and one more: %v", i, err)
			}
			_ = c.Close()
		}
		ok(t, errors.Join(a.Close(), b.Close()))
	})
}

// Connections that nobody accepts are bounded, too: the listener then takes no more.
func TestListenerBacklog(t *testing.T) {
	inDoorway(t, Config{AuthKey: secret, Backlog: 2}, func(t *testing.T, l *Listener, d *doorway) {
		dialed := make(chan *Conn, 10)
		go func() {
			for range 10 {
				c, err := d.dial(Config{AuthKey: secret})
				if err != nil {
					t.Error(err)
				}
				dialed <- c
			}
		}()
		take := func() {
			c, err := l.Accept(ctx)
			ok(t, err)
			ok(t, c.Close())
			ok(t, (<-dialed).Close())
		}
		for left := 10; left > 0; left-- {
			synctest.Wait()
			// When the second was ready it may have begun to wait for the third, and the third and fourth to be let in.
			if n := len(dialed); n < min(left, 2) || n > 4 {
				t.Errorf("%d wait", n)
			}
			take()
		}
	})
}

// A listener that finds no descriptors tries again, not at once, and is then as good as before.
func TestListenerWithoutDescriptors(t *testing.T) {
	var log bytes.Buffer
	c := Config{AuthKey: secret, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	inDoorway(t, c, func(t *testing.T, l *Listener, d *doorway) {
		stop := make(chan struct{})
		go func() {
			for {
				select {
				case d.fails <- &net.OpError{Op: "accept", Err: syscall.EMFILE}:
				case <-stop:
					return
				}
			}
		}()
		time.Sleep(time.Minute)
		close(stop)
		synctest.Wait()
		if n := d.visits.Load(); n < 60 || n > 100 {
			t.Errorf("%d attempts in a minute", n)
		}
		a, err := d.dial(Config{AuthKey: secret})
		ok(t, err)
		b, err := l.Accept(ctx)
		ok(t, err)
		greeted(t, a, b)
		ok(t, errors.Join(a.Close(), b.Close()))
	})
	if !strings.Contains(log.String(), syscall.EMFILE.Error()) {
		t.Errorf("the log: %s", log.String())
	}
}

// The log tells who was turned away, and nobody else hears of it.
func TestListenerTurnsAway(t *testing.T) {
	var log bytes.Buffer
	c := Config{AuthKey: secret, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	inDoorway(t, c, func(t *testing.T, l *Listener, d *doorway) {
		_, err := d.dial(Config{AuthKey: []byte("another")})
		wants(t, "another key", err, ErrAuth)
		limited, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		_, err = l.Accept(limited)
		wants(t, "nobody was let in", err, context.DeadlineExceeded)
		wants(t, "nobody was let in", l.AwaitReady(ended()), context.Canceled)
	})
	if n := strings.Count(log.String(), ErrAuth.Error()); n != 1 {
		t.Errorf("the log tells %d times: %s", n, log.String())
	}
}

// T186: when the handshake is over, so is its deadline.
func TestListenerDeadlineEnds(t *testing.T) {
	inDoorway(t, Config{AuthKey: secret}, func(t *testing.T, l *Listener, d *doorway) {
		a, err := d.dial(Config{AuthKey: secret})
		ok(t, err)
		time.Sleep(time.Hour)
		b, err := l.Accept(ctx)
		ok(t, err)
		time.Sleep(time.Hour)
		greeted(t, a, b)
		ok(t, errors.Join(a.Close(), b.Close()))
	})
}

// T161: once it is closed, who waits for Accept hears of it, who is in the handshake is dropped, and who was not accepted, too.
func TestListenerClose(t *testing.T) {
	inDoorway(t, Config{AuthKey: secret}, func(t *testing.T, l *Listener, d *doorway) {
		a, err := d.dial(Config{AuthKey: secret})
		ok(t, err)
		b, err := l.Accept(ctx)
		ok(t, err)
		for range 3 {
			go func() {
				_, err := l.Accept(ctx)
				wants(t, "a waiting Accept", err, ErrClosed)
			}()
		}
		synctest.Wait()
		half := d.connect()
		synctest.Wait()
		ok(t, l.Close())
		ok(t, l.Close())
		_, err = l.Accept(ctx)
		wants(t, "Accept", err, ErrClosed)
		ok(t, l.AwaitReady(ended()))
		_, err = half.Read(make([]byte, 1))
		wants(t, "in the handshake", err, io.EOF)
		greeted(t, a, b) // what was accepted lives on
		ok(t, errors.Join(a.Close(), b.Close()))
	})
	inDoorway(t, Config{AuthKey: secret}, func(t *testing.T, l *Listener, d *doorway) {
		a, err := d.dial(Config{AuthKey: secret})
		ok(t, err)
		ok(t, l.AwaitReady(ctx))
		ok(t, l.Close())
		_, err = a.RecvBytes(ctx)
		wants(t, "not accepted", err, io.EOF)
		ok(t, a.Close())
	})
}
