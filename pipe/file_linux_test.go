package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
)

// content is a file with a text in it, to be read from its beginning.
func content(t testing.TB, text string) *os.File {
	t.Helper()
	fd, err := unix.MemfdCreate("content", unix.MFD_CLOEXEC)
	ok(t, err)
	f := os.NewFile(uintptr(fd), "content")
	_, err = f.WriteString(text)
	ok(t, err)
	_, err = f.Seek(0, io.SeekStart)
	ok(t, err)
	return f
}

// recvsFile receives a file that must be next.
func recvsFile(t *testing.T, c *Conn, want string) {
	t.Helper()
	f, err := c.RecvFile(ctx)
	ok(t, err)
	defer f.Close()
	if b, err := io.ReadAll(f); string(b) != want || err != nil {
		t.Fatalf("it holds %q, %v, not %q", b, err, want)
	}
}

// T155, F134: files come in their order among the messages, and the sender may close his at once.
func TestFiles(t *testing.T) {
	noLeaks(t)
	a, b := pair(t)
	const n = 3 * abi.PipeMaxFiles // more than may be under way
	done := make(chan error, 1)
	go func() {
		for i := range n {
			f := content(t, fmt.Sprint(i))
			err := errors.Join(a.SendBytes(ctx, pattern(i)), a.SendFile(ctx, f), f.Close())
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for i := range n {
		recvs(t, b, pattern(i))
		recvsFile(t, b, fmt.Sprint(i))
	}
	ok(t, <-done)
}

// T155: hundreds may be sent before the first is received, by one goroutine, and what sent them be closed.
func TestManyFilesUnderWay(t *testing.T) {
	noLeaks(t)
	a, b := pair(t)
	const n = 300
	for i := range n {
		f := content(t, fmt.Sprint(i))
		ok(t, errors.Join(a.SendFile(ctx, f), f.Close()))
	}
	ok(t, a.Close())
	for i := range n {
		recvsFile(t, b, fmt.Sprint(i))
	}
	recvFails(t, b, io.EOF)
}

// T171: a connection of another kind is a file, and on the other side a connection again.
func TestSocketAsAFile(t *testing.T) {
	noLeaks(t)
	a, b := pair(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer l.Close()
	client, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	ok(t, err)
	defer client.Close()
	accepted, err := l.Accept()
	ok(t, err)
	f, err := accepted.(*net.TCPConn).File()
	ok(t, errors.Join(err, accepted.Close()))
	ok(t, errors.Join(a.SendFile(ctx, f), f.Close()))
	got, err := b.RecvFile(ctx)
	ok(t, err)
	conn, err := net.FileConn(got)
	ok(t, errors.Join(err, got.Close()))
	_, err = conn.Write([]byte("from where it went"))
	ok(t, errors.Join(err, conn.Close()))
	if text, err := io.ReadAll(client); string(text) != "from where it went" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// What can be written on one side is written on the other: a pipe's end, which the runtime can wait for.
func TestFilesThatCanBeWaitedFor(t *testing.T) {
	noLeaks(t)
	a, b := pair(t)
	r, w, err := os.Pipe()
	ok(t, err)
	defer r.Close()
	ok(t, a.SendFile(ctx, w))
	w.Close()
	got, err := b.RecvFile(ctx)
	ok(t, err)
	go func() {
		_, _ = got.WriteString("through")
		got.Close()
	}()
	if text, err := io.ReadAll(r); string(text) != "through" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// Only so many files are under way; then SendFile waits, and its context can end.
func TestFilesHaveALimit(t *testing.T) {
	noLeaks(t)
	a, b := pair(t)
	f := content(t, "text")
	defer f.Close()
	for range abi.PipeMaxFiles {
		ok(t, a.SendFile(ctx, f))
	}
	lasts(t, func(ctx context.Context) error { return a.SendFile(ctx, f) })
	ok(t, a.SendBytes(ctx, []byte("other messages go on")))
	done := make(chan error)
	go func() { done <- a.SendFile(ctx, f) }()
	for range abi.PipeMaxFiles {
		got, err := b.RecvFile(ctx)
		ok(t, err)
		got.Close()
	}
	recvs(t, b, []byte("other messages go on"))
	ok(t, <-done)
	got, err := b.RecvFile(ctx)
	ok(t, err)
	got.Close()
	wants(t, "sending a closed file", a.SendFile(ctx, got), os.ErrClosed)
	if ready, err := b.Poll(ended()); ready {
		t.Error(ready, err)
	}
}

// Files that nobody took are closed with the end. One that was sent before its sender died is there.
func TestFilesAtTheEnd(t *testing.T) {
	noLeaks(t)
	a, b := pair(t)
	f := content(t, "text")
	ok(t, b.SendBytes(ctx, nil))
	recvs(t, a, nil)
	for range 3 {
		ok(t, a.SendFile(ctx, f))
	}
	ok(t, b.SendFile(ctx, f))
	f.Close()
	ok(t, a.Close())
	recvsFile(t, b, "text")
}

// T157: a file for which the receiver has no descriptor is an error of its own, and what comes behind it is not.
func TestFilesWithoutADescriptor(t *testing.T) {
	a, b := pair(t)
	f := content(t, "text")
	defer f.Close()
	_ = a.c.(*rings).raw.Control(func(fd uintptr) { ok(t, unix.Sendmsg(int(fd), fileByte, nil, nil, 0)) })
	a.word(0, abi.PipeFileFrame, abi.PipeFirst|abi.PipeLast)
	a.c.publish()
	ok(t, a.SendFile(ctx, f))
	_, err := b.RecvFile(ctx)
	wants(t, "the first", err, errFileLost)
	recvsFile(t, b, "text")
}

// The message of a file that was never sent does not make RecvFile wait.
func TestFilesThatWereNotSent(t *testing.T) {
	a, b := pair(t)
	a.word(0, abi.PipeFileFrame, abi.PipeFirst|abi.PipeLast)
	a.c.publish()
	for range 2 {
		_, err := b.RecvFile(ctx)
		wants(t, "a file", err, ErrCorrupt)
	}
	recvFails(t, b, ErrCorrupt)
}
