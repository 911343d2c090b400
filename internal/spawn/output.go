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
	Stdout = NewOutput(writerFunc(func(p []byte) (int, error) { return parents(os.Stdout, p) }))
	Stderr = NewOutput(writerFunc(func(p []byte) (int, error) { return parents(os.Stderr, p) }))
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
	done   chan struct{}
	cut    bool // owner: the goroutine: what comes next belongs to a line that was too long

	mu     sync.Mutex
	tail   [][]byte // guarded by mu: the last lines
	fatal  []byte   // guarded by mu: the last line with which the Go runtime says why it ends
	report []byte   // guarded by mu: from the first line on that looks like a crash report, up to maxCrash
}

// pass begins to pass on what comes out of the file, each line after the prefix.
func (l *lines) pass(out *Output, prefix string) {
	l.out, l.prefix, l.done = out, prefix, make(chan struct{})
	go l.run()
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
		l.line(pending)
	}
}

// split passes on the whole lines in b and returns the rest.
func (l *lines) split(b []byte) []byte {
	for {
		i := bytes.IndexByte(b, '\n')
		switch {
		case i < 0 && len(b) < maxLine:
			return b
		case i < 0:
			l.line(b)
			l.cut = true
			return nil
		case i > 0 || !l.cut: // else the long line ended where it was cut
			l.line(b[:i])
		}
		l.cut = false
		b = b[i+1:]
	}
}

func (l *lines) line(line []byte) {
	l.remember(line) // first, for the writer may be slow
	l.out.line(l.prefix, line)
}

func (l *lines) remember(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fatal := bytes.HasPrefix(line, []byte("fatal error: ")) || bytes.HasPrefix(line, []byte("runtime/cgo: ")) // the latter, then SIGABRT
	if fatal {
		l.fatal = bytes.Clone(line[:min(len(line), tailBytes)])
	}
	if len(l.report) > 0 || fatal || bytes.HasPrefix(line, []byte("panic: ")) ||
		bytes.HasPrefix(line, []byte("runtime: ")) {
		if room := maxCrash - len(l.report); room > len(line) {
			l.report = append(append(l.report, line...), '\n')
		}
	}
	if len(l.tail) == tailLines {
		l.tail = append(l.tail[:0], l.tail[1:]...)
	}
	l.tail = append(l.tail, bytes.Clone(line[max(0, len(line)-tailBytes):]))
}

// flushLimit is how long the end of a worker waits for its output to be passed on: a writer that blocks must not hold
// up the outcome of what the worker had.
var flushLimit = 5 * time.Second

// finish waits until everything that was written before the process ended has been passed on, or until the timer has
// fired, which then fires again. What is left after that is passed on when the writer lets it.
func (l *lines) finish(limit *time.Timer) {
	_ = l.file.SetReadDeadline(time.Unix(1, 0)) // fails only if it is closed, and then the goroutine has ended
	select {
	case <-l.done:
	case <-limit.C:
		limit.Reset(0)
	}
}

// reason is why the Go runtime said that it ends, if it did; call it after finish.
func (l *lines) reason() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.fatal)
}

// crash is what looks like the runtime's crash report; call it after finish.
func (l *lines) crash() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.report)
}

// last is the last lines; call it after finish.
func (l *lines) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := bytes.Join(l.tail, []byte("\n"))
	return string(text[max(0, len(text)-tailBytes):])
}
