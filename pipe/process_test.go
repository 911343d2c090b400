package pipe

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/go-multiproc/mp/internal/osenv"
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
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "role:", err)
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
				if errors.Is(err, io.EOF) {
					return nil
				}
				return err
			}
			if err := c.SendBytes(ctx, b); err != nil {
				return err
			}
		}
	})
	roles["source64"] = role(func(c *Conn) error { return source(c, 64) })
	roles["source1M"] = role(func(c *Conn) error { return source(c, 1<<20) })
}

func source(c *Conn, size int) error {
	b := make([]byte, size)
	for {
		if err := c.SendBytes(ctx, b); err != nil {
			return err
		}
	}
}

func BenchmarkProcessPingPong(b *testing.B) {
	c, _ := startPeer(b, "echo")
	buf := make([]byte, 64)
	ok(b, c.SendBytes(ctx, buf))
	buf, _ = c.RecvAppend(ctx, buf[:0])
	b.ReportAllocs()
	for b.Loop() {
		_ = c.SendBytes(ctx, buf)
		buf, _ = c.RecvAppend(ctx, buf[:0])
	}
}

func benchSource(b *testing.B, role string) {
	c, _ := startPeer(b, role)
	buf, _ := c.RecvAppend(ctx, nil)
	b.ReportAllocs()
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		buf, _ = c.RecvAppend(ctx, buf[:0])
	}
}

func BenchmarkProcessStream(b *testing.B) { benchSource(b, "source64") }
func BenchmarkProcessMiB(b *testing.B)    { benchSource(b, "source1M") }
