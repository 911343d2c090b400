package spawn

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

const (
	maxLine   = 64 << 10 // a longer line is passed on in pieces
	tailLines = 20       // of stderr, for the error that tells how a worker ended
	tailBytes = 8 << 10

	maxAfterDeath = 1 << 20 // more than a pipe holds
)

// Output is where lines of several processes go, whole.
type Output struct {
	mu sync.Mutex
	w  io.Writer
}

// NewOutput returns an Output to w. Give all processes that write to the same w the same Output.
func NewOutput(w io.Writer) *Output { return &Output{w: w} }

// The parent's own streams, looked up at each write, for a program may replace them.
var (
	Stdout = NewOutput(writerFunc(func(p []byte) (int, error) { return os.Stdout.Write(p) }))
	Stderr = NewOutput(writerFunc(func(p []byte) (int, error) { return os.Stderr.Write(p) }))
)

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func (o *Output) line(prefix string, line []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := make([]byte, 0, len(prefix)+len(line)+1)
	b = append(append(append(b, prefix...), line...), '\n')
	_, _ = o.w.Write(b) // who gave a writer that fails has nobody else to tell
}

// A lines passes the output of one process on, line by line.
type lines struct {
	file   *os.File // the reading end
	out    *Output
	prefix string
	tail   [][]byte // the last lines
	fatal  []byte   // the last line with which the Go runtime says why it ends
	done   chan struct{}
}

func passLines(file *os.File, out *Output, prefix string) *lines {
	l := &lines{file: file, out: out, prefix: prefix, done: make(chan struct{})}
	go l.run()
	return l
}

func (l *lines) run() {
	defer close(l.done)
	defer l.file.Close()
	var pending []byte
	buf := make([]byte, 16<<10)
	for {
		n, err := l.file.Read(buf)
		pending = l.split(append(pending, buf[:n]...))
		if errors.Is(err, os.ErrDeadlineExceeded) {
			// The process has ended. What it wrote is in the pipe; what a process it left behind may still write
			// is not waited for.
			n, err = l.readNow(buf)
			for total := 0; n > 0 && err == nil && total < maxAfterDeath; n, err = l.readNow(buf) {
				pending = l.split(append(pending, buf[:n]...))
				total += n
			}
			break
		}
		if err != nil {
			break
		}
	}
	if len(pending) > 0 {
		l.pass(pending)
	}
}

func (l *lines) split(b []byte) []byte {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 && len(b) < maxLine {
			return b
		}
		if i < 0 {
			l.pass(b)
			return nil
		}
		l.pass(b[:i])
		b = b[i+1:]
	}
}

func (l *lines) pass(line []byte) {
	l.out.line(l.prefix, line)
	if bytes.HasPrefix(line, []byte("fatal error: ")) {
		l.fatal = bytes.Clone(line[:min(len(line), tailBytes)])
	}
	if len(l.tail) == tailLines {
		l.tail = append(l.tail[:0], l.tail[1:]...)
	}
	l.tail = append(l.tail, bytes.Clone(line[max(0, len(line)-tailBytes):]))
}

// finish waits until everything that was written before the process ended has been passed on.
func (l *lines) finish() {
	_ = l.file.SetReadDeadline(time.Unix(1, 0)) // fails only if it is closed, and then the goroutine has ended
	<-l.done
}

// reason is why the Go runtime said that it ends, if it did; call it after finish.
func (l *lines) reason() string { return string(l.fatal) }

// last is the last lines; call it after finish.
func (l *lines) last() string {
	text := bytes.Join(l.tail, []byte("\n"))
	return string(text[max(0, len(text)-tailBytes):])
}
