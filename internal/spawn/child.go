package spawn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/ring"
	"github.com/go-multiproc/mp/internal/robust"
	"github.com/go-multiproc/mp/internal/side"
)

// A Spec is what a worker is to be.
type Spec struct {
	Name           string
	Worker         int
	Env            []string // added to the parent's
	Dir            string
	Registry       []string
	Layout         ring.Layout
	MemoryLimit    int64 // bytes, 0 for none
	MaxProcs       int   // 0 leaves it to the runtime
	CPUs           []int
	Nice           int  // added to the parent's niceness
	NoArena        bool // it is not trusted: see doc.go
	Stdout, Stderr *Output
	Logger         *slog.Logger // of the records of the worker; nil for none
	Prefix         string       // of its lines; "" for its name and pid
}

// ErrNotMain reports a worker whose program never called Main.
var ErrNotMain = errors.New("mp: the worker never called mp.Main: call it first in main, and in tests first in " +
	"func TestMain(m *testing.M) { mp.Main(); os.Exit(m.Run()) }")

// Exit is how a worker ended. It is known once Done is closed.
type Exit struct {
	osenv.ExitStatus
	OOM    bool   // it ran out of memory, or over its limit
	Limit  int64  // that limit, in bytes; 0 if there was another reason
	Memory int64  // what it had then, as far as that is known
	Stderr string // its last lines
	Crash  string // the Go runtime's crash report
	Stack  string // what its goroutines did when it was last asked, for whoever asked
}

// A Child is a worker as its parent sees it.
type Child struct {
	PID     int
	Channel *ring.Channel
	Side    *side.Parent

	spec     Spec
	pidfd    int
	memory   []byte
	control  *os.File
	frames   *bufio.Reader // of control
	lifeline [2]*os.File   // both ends, armed; see doc.go
	crash    *os.File
	group    *group // nil if it has none
	stdout   lines
	stderr   lines

	mu        sync.Mutex
	reaped    bool  // guarded by mu: the pid may belong to another process
	over      int64 // guarded by mu: killed for having so much memory
	killed    bool  // guarded by mu: killed by this process
	sawMain   bool  // owner: who reads the control socket
	ready     bool  // likewise
	oomBefore int64 // immutable

	done chan struct{}
	exit Exit // immutable once done is closed
}

// Done is closed when the worker has ended, its group is killed, and its output has been passed on.
func (c *Child) Done() <-chan struct{} { return c.done }

// Exit is how it ended; valid once Done is closed.
func (c *Child) Exit() Exit { return c.exit }

// Suspect reports that the worker is dying, as the kernel told before Done could.
func (c *Child) Suspect() bool { return robust.Dead(c.Channel.Alive) }

// Recv waits for the next frame from the worker: io.EOF once it has ended, or closed its socket. One caller at a time.
// Handshake frames are dealt with here; the rest is abi.FrameWake.
func (c *Child) Recv() (byte, error) {
	if c.ready {
		return c.recvWake()
	}
	kind, body, err := readFrame(c.frames)
	if err != nil {
		return 0, err
	}
	switch kind {
	case abi.FrameWake:
	case abi.FrameMain:
		c.sawMain = true
	case abi.FrameHello:
		h, err := decodeHello(body)
		if err != nil {
			return 0, fmt.Errorf("mp: worker %s: hello: %w", c.spec.Name, err)
		}
		return kind, c.compare(h)
	case abi.FrameReady:
		c.ready = true
	case abi.FrameNotMain:
		return kind, fmt.Errorf("%w (%s)", ErrNotMain, text(body))
	case abi.FrameFailed:
		return kind, fmt.Errorf("mp: worker %s cannot serve: %s", c.spec.Name, text(body))
	default:
		return 0, c.unknown(kind)
	}
	return kind, nil
}

// recvWake is Recv of a worker that serves: it has nothing to say but FrameWake, so nothing that it announces is waited for.
func (c *Child) recvWake() (byte, error) {
	kind, err := c.frames.ReadByte()
	if err != nil {
		return 0, err
	}
	more, _ := c.frames.Peek(c.frames.Buffered()) // as many as are there
	for i := 0; kind == abi.FrameWake && i < len(more); i++ {
		kind = more[i]
	}
	if kind != abi.FrameWake {
		return 0, c.unknown(kind)
	}
	_, _ = c.frames.Discard(len(more))
	return kind, nil
}

func (c *Child) unknown(kind byte) error {
	return fmt.Errorf("mp: worker %s: unknown frame %q", c.spec.Name, kind)
}

// text is what a worker wrote, fit for an error.
func text(body []byte) string {
	return strings.ToValidUTF8(string(body[:min(len(body), tailBytes)]), "?")
}

func (c *Child) compare(h hello) error {
	if build := buildID(); h.Build != build {
		return fmt.Errorf("mp: worker %s runs another build: %s, here %s", c.spec.Name, h.Build, build)
	}
	if h.Differs {
		return fmt.Errorf("mp: worker %s has other functions registered; register every function at package level or in init, in every process alike:%s",
			c.spec.Name, difference(c.spec.Registry, h.Registry))
	}
	return nil
}

// Ready reports whether the handshake is over. Only for the caller of Recv.
func (c *Child) Ready() bool { return c.ready }

// StartError makes an error of a worker that ended, cleanly or not, before it was ready, or nil if its way of ending
// tells nothing about its program. Call it after Done, as the caller of Recv.
func (c *Child) StartError() error {
	if c.ready || c.exit.Signal != 0 {
		return nil
	}
	// A program that calls Main anywhere stays in it, so one that exits cleanly before has no such call.
	if !c.sawMain && (c.exit.Code == 0 || c.exit.Code == exitRefused) {
		return ErrNotMain
	}
	return nil
}

// RecvWithin is Recv that ends with os.ErrDeadlineExceeded after d; 0 is no limit. Only after the handshake, when
// every frame is one byte and none can be cut in two.
func (c *Child) RecvWithin(d time.Duration) (byte, error) {
	if d > 0 {
		_ = c.control.SetReadDeadline(time.Now().Add(d))
	}
	kind, err := c.Recv()
	if d > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		_ = c.control.SetReadDeadline(time.Time{})
	}
	return kind, err
}

// RecvUntil makes a RecvWithin that waits already end at t. Safe for concurrent use.
func (c *Child) RecvUntil(t time.Time) { _ = c.control.SetReadDeadline(t) }

// IsEnd reports whether an error of Recv means no more than that the worker has ended.
func IsEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// Cancel asks the worker to cancel the context of the element with this number, counted from the first that it
// began. It never waits: the socket has room for thousands, and a worker that does not listen is killed in the end anyway.
func (c *Child) Cancel(element uint64, cause uint8) {
	body := binary.LittleEndian.AppendUint64(nil, element)
	c.writeNow(appendFrame(nil, abi.FrameCancel, append(body, cause)))
}

// Signal sends a signal to the worker alone.
func (c *Child) Signal(sig syscall.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reaped {
		return os.ErrProcessDone
	}
	return osenv.Signal(c.PID, c.pidfd, sig)
}

// Kill kills the worker and its whole group.
func (c *Child) Kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.reaped {
		// If it is dying already, that is not this kill's doing. Until it is reaped its pid belongs to no other. It
		// leads its group from before it was another program than this one, but it may have gone over to another group.
		c.killed = c.killed || !c.Suspect()
		_ = osenv.KillGroup(c.PID)
		_ = osenv.Signal(c.PID, c.pidfd, syscall.SIGKILL)
	}
}

// RSS is the worker's resident set, in bytes; 0 if it is not known.
func (c *Child) RSS() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reaped {
		return 0
	}
	return rss(c.PID)
}

// Close gives back what the parent holds for the worker, which must have ended: its channel must not be used any more.
func (c *Child) Close() {
	<-c.done
	c.closeFiles()
}

func (c *Child) closeFiles() {
	closeAll(c.control, c.lifeline[0], c.lifeline[1], c.crash)
	if c.Side != nil {
		c.Side.Close()
	}
	if c.memory != nil {
		_ = osenv.Unmap(c.memory)
		c.memory = nil
	}
}

// closeAll closes those of the files that there are.
func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}
