package pipe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/proctest"
)

// A peer is a process that has the other end of a connection.
type peer struct {
	*exec.Cmd
}

// startPeer starts this binary in a role, with the other end of the connection that it returns.
func startPeer(t testing.TB, role string) (*Conn, *peer) {
	t.Helper()
	here, there, err := osenv.Default().Socketpair()
	ok(t, err)
	memory, err := newMemory()
	ok(t, err)
	cmd := exec.Command(osenv.SelfPath)
	cmd.Env = append(os.Environ(), "MP_PIPE_ROLE="+role)
	cmd.ExtraFiles = []*os.File{there, memory}
	cmd.Stderr = os.Stderr
	ok(t, cmd.Start())
	there.Close()
	c, err := ringConn(here, memory, 0, 0)
	ok(t, err)
	p := &peer{cmd}
	t.Cleanup(func() {
		_ = p.Process.Kill()
		_ = p.Wait()
		ok(t, c.Close())
	})
	return c, p
}

// role is a role with its end of the connection.
func role(do func(c *Conn) error) func() int {
	return func() int {
		c, err := ringConn(os.NewFile(3, "socket"), os.NewFile(4, "memory"), 1, 0)
		if err == nil {
			err = do(c)
			runtime.KeepAlive(c) // one that nobody refers to is closed
		}
		if err != nil {
			return 1
		}
		return 0
	}
}

func init() {
	roles["echo"] = role(func(c *Conn) error {
		var b []byte
		for {
			var err error
			if b, err = c.RecvAppend(ctx, b[:0]); err != nil {
				return err
			}
			if err := c.SendBytes(ctx, b); err != nil {
				return err
			}
		}
	})
	roles["idle"] = role(func(c *Conn) error {
		_ = c.SendBytes(ctx, []byte("ready"))
		return forever()
	})
	roles["receiving"] = role(func(c *Conn) error {
		_ = c.SendBytes(ctx, []byte("ready"))
		_, err := c.RecvBytes(ctx)
		return err
	})
	roles["large"] = role(func(c *Conn) error { return c.SendBytes(ctx, pattern(64<<20)) })
	roles["half"] = role(func(c *Conn) error {
		_, _ = c.put(abi.PipeBytes, pattern(64<<20), 0, ringSize)
		c.c.publish()
		return forever()
	})
	roles["numbers"] = role(func(c *Conn) error {
		dice := rand.New(rand.NewPCG(1, 1))
		for i := uint64(0); ; i++ {
			if err := c.SendBytes(ctx, number(i, dice)); err != nil {
				return err
			}
		}
	})
	roles["source64"] = role(func(c *Conn) error { return source(c, 64) })
	roles["source1M"] = role(func(c *Conn) error { return source(c, 1<<20) })
}

// forever waits to be killed.
func forever() error {
	<-time.After(time.Hour)
	return nil
}

// number is message i of a sequence that two processes know.
func number(i uint64, dice *rand.Rand) []byte {
	m := pattern(8 + dice.IntN(200))
	if i%100 == 0 {
		m = pattern(3 * ringSize)
	}
	binary.LittleEndian.PutUint64(m, i)
	return m
}

func source(c *Conn, size int) error {
	b := make([]byte, size)
	for {
		if err := c.SendBytes(ctx, b); err != nil {
			return err
		}
	}
}

func (p *peer) kill(t testing.TB) { ok(t, p.Process.Kill()) }

// T151: another process answers, and what it sent before it ended arrives.
func TestProcess(t *testing.T) {
	noLeaks(t)
	c, p := startPeer(t, "echo")
	for _, n := range []int{0, 1, 100, 16 << 20} {
		done := make(chan error, 1)
		go func() { done <- c.SendBytes(ctx, pattern(n)) }()
		recvs(t, c, pattern(n))
		ok(t, <-done)
	}
	p.kill(t)
	recvFails(t, c, io.EOF)
}

// A process that is killed, whatever it was doing, is an end.
func TestKilledPeer(t *testing.T) {
	noLeaks(t)
	for _, role := range []string{"idle", "receiving"} {
		t.Run(role, func(t *testing.T) {
			c, p := startPeer(t, role)
			recvs(t, c, []byte("ready"))
			got := make(chan error)
			for name, op := range operations(c) {
				if name == "SendBytes" || name == "Poll" || name == "RecvBytes" {
					go func() { got <- op(ctx) }()
				}
			}
			p.kill(t)
			for range 3 {
				if err := <-got; err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) {
					t.Error(err)
				}
			}
			recvFails(t, c, io.EOF)
			eventually(t, "sending fails", func() bool { return errors.Is(c.SendBytes(ctx, nil), io.ErrClosedPipe) })
		})
	}
}

// F129: one that is killed in the middle of a message leaves an error of its own, once.
func TestKilledInTheMiddleOfAMessage(t *testing.T) {
	noLeaks(t)
	t.Run("large", func(t *testing.T) {
		c, p := startPeer(t, "large")
		eventually(t, "a part has come", func() bool { return c.c.(*rings).rx.tail.Load() > ringSize/2 })
		p.kill(t)
		recvFails(t, c, io.ErrUnexpectedEOF)
		recvFails(t, c, io.EOF)
	})
	t.Run("half", func(t *testing.T) {
		c, p := startPeer(t, "half")
		got := make(chan error)
		go func() { _, err := c.RecvBytes(ctx); got <- err }()
		eventually(t, "a part was received", func() bool { return c.c.(*rings).rx.head.Load() > 0 })
		if ready, _ := c.Poll(ended()); ready {
			t.Error("a part is ready")
		}
		p.kill(t)
		wants(t, "the receiver", <-got, io.ErrUnexpectedEOF)
		recvFails(t, c, io.EOF)
	})
}

// Killed at any time: what came is the beginning of what was sent.
func TestKilledUnderTraffic(t *testing.T) {
	noLeaks(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	moments := rand.New(rand.NewPCG(seed, 0))
	for range 10 {
		c, p := startPeer(t, "numbers")
		dice := rand.New(rand.NewPCG(1, 1))
		until := uint64(moments.IntN(3000))
		i := uint64(0)
		for ; ; i++ {
			if i == until {
				p.kill(t)
			}
			m, err := c.RecvBytes(ctx)
			if err == nil {
				if want := number(i, dice); !bytes.Equal(m, want) {
					t.Fatalf("message %d is damaged", i)
				}
				continue
			}
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatal(err)
			}
			recvFails(t, c, io.EOF)
			break
		}
		if i < until {
			t.Fatalf("%d messages, and it was to be killed at %d", i, until)
		}
		ok(t, c.Close())
		_ = p.Wait()
	}
}

// A process that is stopped is not dead: contexts end the wait, and then it goes on.
func TestStoppedPeer(t *testing.T) {
	noLeaks(t)
	c, p := startPeer(t, "echo")
	ok(t, c.SendBytes(ctx, []byte("before")))
	recvs(t, c, []byte("before"))
	ok(t, p.Process.Signal(unix.SIGSTOP))
	eventually(t, "it is stopped", func() bool { return proctest.Stopped(p.Process.Pid) })
	for name, op := range operations(c) {
		if name != "Send" { // the peer would send back what is no bytes
			lasts(t, op)
		}
	}
	ok(t, p.Process.Signal(unix.SIGCONT))
	ok(t, c.SendBytes(ctx, []byte("after")))
	recvs(t, c, []byte("after"))
	ok(t, c.Close())
	if err := p.Wait(); err == nil {
		t.Error("it ended without the error of its end")
	}
}
