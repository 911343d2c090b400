package pipe

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
)

// rawDial is a peer that has the key and keeps to no rule after the handshake.
func rawDial(t *testing.T, l *Listener) net.Conn {
	t.Helper()
	c, err := net.Dial(l.Addr().Network(), l.Addr().String())
	ok(t, err)
	t.Cleanup(func() { _ = c.Close() })
	h := handshake{conn: c, key: l.config.AuthKey}
	ok(t, h.prove())
	return c
}

// words are what a chunk begins with.
func words(w ...uint64) (b []byte) {
	for _, w := range w {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

// W35: what a peer sends over TCP after the handshake is an error for who receives, for ever, and no more than that.
func TestNetGarbage(t *testing.T) {
	n := by(t, "tcp")
	first := abi.PipeWord(8, abi.PipeBytes, abi.PipeFirst)
	whole := abi.PipeWord(8, abi.PipeBytes, abi.PipeFirst|abi.PipeLast)
	for name, test := range map[string]struct {
		sent []byte
		want []error // of receiving, in this order
	}{
		"noise":                {pattern(1000)[1:], []error{ErrCorrupt, ErrCorrupt}},
		"nothing":              {nil, []error{io.EOF, io.EOF}},
		"half a word":          {words(whole)[:4], []error{io.ErrUnexpectedEOF, io.EOF}},
		"half a message":       {words(whole, 0)[:12], []error{io.ErrUnexpectedEOF, io.EOF}},
		"a message and half":   {append(words(whole, 0, whole), 1), []error{nil, io.ErrUnexpectedEOF, io.EOF}},
		"one that is huge":     {words(first, 1<<62), []error{ErrTooLarge, io.ErrUnexpectedEOF, io.EOF}},
		"one that contradicts": {words(first, 8, 0), []error{ErrCorrupt, ErrCorrupt}},
		"a chunk that is huge": {words(1 << 62), []error{ErrCorrupt, ErrCorrupt}},
	} {
		t.Run(name, func(t *testing.T) {
			noLeaks(t)
			n.listener.MaxMessage = 1 << 20
			l := n.listen(t)
			peer := rawDial(t, l)
			c := accept(t, l)
			_, err := peer.Write(test.sent)
			ok(t, err)
			ok(t, peer.(*net.TCPConn).CloseWrite())
			for i, want := range test.want {
				_, err := c.RecvBytes(ctx)
				if !errors.Is(err, want) {
					t.Errorf("receive %d: %v, not %v", i, err, want)
				}
			}
		})
	}
}

// A Unix socket may bring anything as well, and files that nobody wants.
func TestNetGarbageBesideRings(t *testing.T) {
	noLeaks(t)
	l := by(t, "path").listen(t)
	peer := rawDial(t, l).(*net.UnixConn)
	c := accept(t, l)
	null, err := os.Open(os.DevNull)
	ok(t, err)
	defer null.Close()
	for range 100 {
		_, _, err := peer.WriteMsgUnix(pattern(100), unix.UnixRights(int(null.Fd()), int(null.Fd()), int(null.Fd())), nil)
		if err != nil {
			break // it has hung up, which it may
		}
	}
	limited, cancel := context.WithTimeout(ctx, short)
	defer cancel()
	if _, err := c.RecvBytes(limited); err == nil {
		t.Error("that was a message")
	}
	ok(t, peer.Close())
	if _, err := c.RecvBytes(ctx); err == nil {
		t.Error("that was a message")
	}
}

// A listener that believes the dialer may still send it anything for memory.
func TestNetMemoryThatIsNone(t *testing.T) {
	noLeaks(t)
	memory := func(size int64, seals int) func(t *testing.T) []*os.File {
		return func(t *testing.T) []*os.File {
			fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
			ok(t, err)
			ok(t, unix.Ftruncate(fd, size))
			_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
			ok(t, err)
			return []*os.File{os.NewFile(uintptr(fd), "test")}
		}
	}
	good := func(t *testing.T) []*os.File {
		f, err := newMemory()
		ok(t, err)
		return []*os.File{f}
	}
	const sealed, size = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW, abi.PipeHeader + 2*ringSize
	for name, files := range map[string]func(t *testing.T) []*os.File{
		"no file": func(*testing.T) []*os.File { return nil },
		"two":     func(t *testing.T) []*os.File { return append(good(t), good(t)...) },
		"a hundred": func(t *testing.T) (all []*os.File) {
			for range 100 {
				all = append(all, good(t)...)
			}
			return all
		},
		"no seals":       memory(size, 0),
		"half the seals": memory(size, unix.F_SEAL_GROW),
		"no writing":     memory(size, sealed|unix.F_SEAL_WRITE),
		"none of it":     memory(0, sealed),
		"a little":       memory(abi.PipeHeader, sealed),
		"an odd size":    memory(size+8, sealed),
		"far too much":   memory(1<<40, sealed),
		"zeros":          memory(size, sealed),
		"a file like another": func(t *testing.T) []*os.File {
			f, err := os.CreateTemp(t.TempDir(), "")
			ok(t, err)
			ok(t, f.Truncate(size))
			return []*os.File{f}
		},
		"a device": func(t *testing.T) []*os.File {
			f, err := os.OpenFile("/dev/zero", os.O_RDWR, 0)
			ok(t, err)
			return []*os.File{f}
		},
		"a pipe": func(t *testing.T) []*os.File {
			r, w, err := osenv.Default().Pipe()
			ok(t, err)
			ok(t, w.Close())
			return []*os.File{r}
		},
	} {
		t.Run(name, func(t *testing.T) {
			noLeaks(t)
			l, err := net.Listen("unix", "@mp-pipe-test-"+strconv.Itoa(os.Getpid()))
			ok(t, err)
			defer l.Close()
			done := make(chan error, 1)
			go func() {
				c, err := l.Accept()
				if err != nil {
					done <- err
					return
				}
				defer c.Close()
				h := handshake{conn: c}
				if err := h.hear(); err != nil {
					done <- err
					return
				}
				var fds []int
				all := files(t)
				for _, f := range all {
					fds = append(fds, int(f.Fd()))
				}
				var oob []byte
				if len(fds) > 0 {
					oob = unix.UnixRights(fds...)
				}
				r := &verdictWith{c.(*net.UnixConn), oob}
				h.conn = r
				done <- h.accept()
				for _, f := range all {
					f.Close()
				}
				_, _ = io.Copy(io.Discard, c)
			}()
			c, err := Dial(ctx, "unix", l.Addr().String(), Config{})
			if err == nil {
				t.Error("that was believed")
				_ = c.Close()
			}
			ok(t, <-done)
		})
	}
}

// verdictWith writes with a control message.
type verdictWith struct {
	*net.UnixConn

	oob []byte
}

func (v *verdictWith) Write(b []byte) (int, error) {
	n, _, err := v.WriteMsgUnix(b, v.oob, nil)
	return n, err
}
