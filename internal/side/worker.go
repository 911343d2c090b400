package side

import (
	"encoding/binary"
	"errors"
	"log/slog"
	"math"
	"os"
	"sync"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

const (
	waitMost  = 250 * time.Millisecond // in a row
	waitLeast = time.Millisecond       // less is not worth two system calls
	waitEnd   = 2 * time.Second        // to tell what was dropped, at the end
	tellEvery = 100 * time.Millisecond // how often it is tried to tell what was dropped
)

// Worker is the worker's half. Safe for concurrent use.
type Worker struct {
	file  *os.File
	logs  bool // the parent has a logger
	level slog.Level

	mu      sync.Mutex    // held to send: who waits for room keeps the others in order
	dropped uint64        // guarded by mu: records, not told yet
	telling bool          // guarded by mu: a timer runs that will tell
	allowed time.Duration // guarded by mu: what may be waited, as of then: it grows with the time that is not waited
	then    time.Time
	stuck   bool // guarded by mu: there was no room for as long as was waited, and has been none since
}

// NewWorker returns the worker's half with its end of the sockets. Records of at least that level go to the parent, if it has
// a logger.
func NewWorker(file *os.File, logs bool, level slog.Level) *Worker {
	return &Worker{file: file, logs: logs, level: level, allowed: waitMost, then: time.Now()}
}

// errLost is a question that came without the file for its answer, for this process had no descriptor to spare. Whoever asks sees that
// nobody has the other end.
var errLost = errors.New("mp: a question whose answer has nowhere to go")

// Serve answers the parent's questions, until the parent is gone.
func (w *Worker) Serve() {
	for {
		frame, answer, err := recvAsk(w.file)
		if errors.Is(err, errLost) {
			continue
		}
		if err != nil {
			return
		}
		go respond(frame, answer)
	}
}

// Fraction sends how far an element is, if there is room. It does not wait.
func (w *Worker) Fraction(number uint64, fraction float64) {
	_ = trySend(w.file, fractionFrame(number, fraction)) // the next one says more
}

func fractionFrame(number uint64, fraction float64) []byte {
	b := binary.LittleEndian.AppendUint64([]byte{abi.SideFraction}, number)
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(fraction))
}

// record sends a record, or counts it as dropped.
func (w *Worker) record(frame []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tell() && w.send(frame) {
		return
	}
	w.dropped++
	if !w.telling {
		w.telling = true
		time.AfterFunc(tellEvery, w.tellLater)
	}
}

// tell tells what was dropped, and reports that nothing is left to tell. Call it with mu.
func (w *Worker) tell() bool {
	if w.dropped > 0 && w.send(binary.LittleEndian.AppendUint64([]byte{abi.SideDropped}, w.dropped)) {
		w.dropped = 0
	}
	return w.dropped == 0
}

func (w *Worker) tellLater() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.telling = !w.tell(); w.telling {
		time.AfterFunc(tellEvery, w.tellLater)
	}
}

// Flush is called before the worker ends in order: what was dropped is told.
func (w *Worker) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.allowed, w.stuck = waitEnd, false
	w.tell()
}

// send sends a frame, and waits for room as long as it may. Call it with mu.
func (w *Worker) send(frame []byte) bool {
	err := trySend(w.file, frame)
	if w.stuck = w.stuck && err != nil; w.stuck || !errors.Is(err, errFull) {
		return err == nil
	}
	now := time.Now()
	w.allowed = max(w.allowed, min(waitMost, w.allowed+now.Sub(w.then)))
	w.then = now
	if w.allowed < waitLeast {
		return false
	}
	_ = w.file.SetWriteDeadline(now.Add(w.allowed))
	_, err = w.file.Write(frame)
	w.then = time.Now()
	w.allowed -= w.then.Sub(now)
	w.stuck = err != nil
	return !w.stuck
}
