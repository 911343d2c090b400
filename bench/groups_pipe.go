package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/pipe"
)

const smallMessage = 64

var pipeGroup = group{
	name:  "pipe",
	about: "messages through a pipe to another process, and back",
	open: func(r *runner) (*bench, error) {
		n, big := r.n(50_000), r.n(1_000)
		return &bench{sides: []side{
			{"pipe", func() (figures, error) { return throughPipe(n, big) }},
			{"Unix socket", func() (figures, error) { return throughSocket(n, big) }},
			pythonSide("Pipe", "pipe", smallMessage, r.n(10_000), megabyte, r.n(300)),
			{"copies", func() (figures, error) { return copies(r.n(2_000)) }},
		}}, nil
	},
	lines: []line{
		{what: "64 bytes through a pipe, there and back, p50, vs Python Pipe", ours: "pipe", rival: "Pipe", unit: seconds, sense: timesUp},
		{what: "... p99", ours: "pipe p99", rival: "Pipe p99", unit: seconds, sense: timesUp},
		{what: "... p50, vs a Unix socket between Go programs", ours: "pipe", rival: "socket", unit: seconds, sense: timesUp},
		{what: "... one way, vs Python Pipe", ours: "pipe stream", rival: "Pipe stream", unit: perSecond, sense: speedup},
		{what: "... vs a Unix socket", ours: "pipe stream", rival: "socket stream", unit: perSecond, sense: speedup},
		{what: "1 MiB through a pipe, one way, vs Python Pipe", ours: "pipe big", rival: "Pipe big", unit: perSecond, sense: speedup},
		{what: "... vs a Unix socket", ours: "pipe big", rival: "socket big", unit: perSecond, sense: speedup},
		{what: "... vs memcpy", ours: "pipe big", rival: "copies", unit: perSecond, sense: speedup},
	},
}

// A link is one end of a connection for messages, of whatever kind.
type link interface {
	send(b []byte) error
	// receive appends the next message to dst.
	receive(dst []byte) ([]byte, error)
}

// exchange measures a connection whose other end is served by answer.
func exchange(name string, l link, n, big int) (figures, error) {
	message := make([]byte, smallMessage)
	var buf []byte
	var times latencies
	for i := range n + n/10 {
		message[0] = byte(i)
		begin := time.Now()
		err := l.send(message)
		if err == nil {
			buf, err = l.receive(buf[:0])
		}
		if err == nil && (len(buf) != smallMessage || buf[0] != byte(i)) {
			err = errWrong
		}
		if err != nil {
			return nil, err
		}
		if i >= n/10 {
			times.since(begin)
		}
	}
	f := times.figures(name)
	var err error
	if f[name+" stream"], err = oneWay(l, message, 20*n); err == nil {
		f[name+" big"], err = oneWay(l, make([]byte, megabyte), big)
	}
	return f, err
}

// oneWay sends n messages, of which the other end answers the last, whose first byte is 255.
func oneWay(l link, message []byte, n int) (float64, error) {
	message[0] = 0
	begin := time.Now()
	for i := range n {
		if i == n-1 {
			message[0] = 255
		}
		if err := l.send(message); err != nil {
			return 0, err
		}
	}
	if _, err := l.receive(nil); err != nil {
		return 0, err
	}
	return rate(n, begin), nil
}

// answer serves exchange, until the connection ends: first every message is answered, later only the last of a stream.
func answer(l link, n int) error {
	var buf []byte
	for i := 0; ; i++ {
		var err error
		if buf, err = l.receive(buf[:0]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if i < n+n/10 {
			err = l.send(buf)
		} else if buf[0] == 255 {
			err = l.send(buf[:1])
		}
		if err != nil {
			return err
		}
	}
}

type pipeLink struct{ *pipe.Conn }

func (l pipeLink) send(b []byte) error                { return l.SendBytes(ctx, b) }
func (l pipeLink) receive(dst []byte) ([]byte, error) { return l.RecvAppend(ctx, dst) }

var answerPipe = mp.Func2("answerPipe", func(_ context.Context, end *pipe.Conn, n int) (struct{}, error) {
	return struct{}{}, answer(pipeLink{end}, n)
})

func throughPipe(n, big int) (figures, error) {
	here, there, err := pipe.New()
	if err != nil {
		return nil, err
	}
	defer here.Close()
	p, err := answerPipe.Start(ctx, mp.Pack2(there, n))
	if err != nil {
		return nil, err
	}
	defer p.Close()
	f, err := exchange("pipe", pipeLink{here}, n, big)
	if err != nil {
		return nil, err
	}
	_ = here.Close()
	_, err = p.Wait(ctx)
	return f, err
}

// socketLink is what one writes without this library: a length and the bytes, in one write.
type socketLink struct {
	net.Conn
	buf *[]byte
}

func (l socketLink) send(b []byte) error {
	if len(b) > 64<<10 { // to copy it would cost more than a call that takes both
		head := []byte{byte(len(b)), byte(len(b) >> 8), byte(len(b) >> 16), byte(len(b) >> 24)}
		_, err := (&net.Buffers{head, b}).WriteTo(l.Conn)
		return err
	}
	*l.buf = append(append((*l.buf)[:0], byte(len(b)), byte(len(b)>>8), byte(len(b)>>16), byte(len(b)>>24)), b...)
	_, err := l.Write(*l.buf)
	return err
}

func (l socketLink) receive(dst []byte) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(l, head[:]); err != nil {
		return dst, err
	}
	n := int(head[0]) | int(head[1])<<8 | int(head[2])<<16 | int(head[3])<<24
	at := len(dst)
	if cap(dst) < at+n {
		dst = append(make([]byte, 0, at+n), dst...)
	}
	dst = dst[:at+n]
	_, err := io.ReadFull(l, dst[at:])
	return dst, err
}

func throughSocket(n, big int) (figures, error) {
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	here, there := os.NewFile(uintptr(ends[0]), "here"), os.NewFile(uintptr(ends[1]), "there")
	cmd := exec.Command(own(), roleAnswer, fmt.Sprint(n))
	cmd.ExtraFiles, cmd.Stderr = []*os.File{there}, os.Stderr
	err = cmd.Start()
	_ = there.Close()
	if err != nil {
		_ = here.Close()
		return nil, err
	}
	conn, err := net.FileConn(here)
	_ = here.Close()
	var f figures
	if err == nil {
		f, err = exchange("socket", socketLink{conn, new([]byte)}, n, big)
		_ = conn.Close()
	}
	return f, errors.Join(err, cmd.Wait())
}

// answerSocket is the other end's program: the socket is its first descriptor after the standard ones.
func answerSocket(n int) error {
	conn, err := net.FileConn(os.NewFile(3, "socket"))
	if err != nil {
		return err
	}
	return answer(socketLink{conn, new([]byte)}, n)
}
