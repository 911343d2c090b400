package mp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-multiproc/mp/internal/engine"
	"github.com/go-multiproc/mp/internal/spawn"
)

var (
	// ErrClosed reports something that was closed, stopped or killed.
	ErrClosed = engine.ErrClosed
	// ErrFull reports that there is no room, to who did not want to wait for it.
	ErrFull = engine.ErrFull
	// ErrDetached reports a handle, or an end of a pipe, that was decoded outside the family of processes to which it belongs.
	ErrDetached = errors.New("mp: it belongs to another family of processes")
	// ErrNotMain reports a worker process whose program never called Main.
	ErrNotMain = spawn.ErrNotMain
)

// A WorkerError reports that the process that held an element ended before it had an outcome.
type WorkerError struct {
	Function string
	Index    int // the element; -1 for Call and Start
	Worker   int // the worker's index in its pool; -1 outside one
	PID      int
	ExitCode int       // -signal if a signal ended it
	Signal   os.Signal // nil if none
	OOM      bool      // it ran out of memory, or over its limit
	Limit    int64     // that limit in bytes, if that was why; else 0
	Memory   int64     // what the process had then, in bytes, or at the most; 0 if that is not known
	Stderr   string    // the last lines it wrote there
	Crash    string    // the Go runtime's crash report, if it made one
	Attempts int       // how often the element was tried
}

// Error implements error.
func (e *WorkerError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "mp: %s: worker process %d ", describe(e.Function, e.Index), e.PID)
	switch {
	case e.OOM && e.Limit > 0 && e.Memory > e.Limit:
		fmt.Fprintf(&b, "was over its limit of %s: %s resident", mebibytes(e.Limit), mebibytes(e.Memory))
	case e.OOM && e.Limit > 0:
		fmt.Fprintf(&b, "needed more than its limit of %s", mebibytes(e.Limit))
	case e.OOM && e.Memory > 0:
		fmt.Fprintf(&b, "ran out of memory, with %s", mebibytes(e.Memory))
	case e.OOM:
		b.WriteString("ran out of memory")
	case e.Signal != nil:
		fmt.Fprintf(&b, "was ended by signal: %v", e.Signal)
	default:
		fmt.Fprintf(&b, "exited with code %d", e.ExitCode)
	}
	if line := firstLine(e.Crash); line != "" {
		fmt.Fprintf(&b, " (%s)", line)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, " at attempt %d", e.Attempts)
	}
	return b.String()
}

// mebibytes is so many bytes for a human, who reads digits better than exponents.
func mebibytes(n int64) string {
	return strings.TrimSuffix(strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64), ".0") + " MiB"
}

// firstLine is the line of a crash report that says what happened.
func firstLine(crash string) string {
	for line := range strings.Lines(crash) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "runtime: ") {
			return line
		}
	}
	return ""
}

func describe(function string, index int) string {
	if index < 0 {
		return function
	}
	return fmt.Sprintf("%s: element %d", function, index)
}

// A PanicError reports that a function panicked; its worker lives on. If it panicked with an error, errors.Is and errors.As
// see that. A function that calls runtime.Goexit is reported in the same way, with the Value "runtime.Goexit".
type PanicError struct {
	Value  string
	Stack  string
	causes []error
}

// Error implements error.
func (e *PanicError) Error() string { return "mp: panic in a worker: " + e.Value }

// Unwrap gives what the function panicked with, if that was an error.
func (e *PanicError) Unwrap() []error { return e.causes }

// A TimeoutError reports an element that ran longer than it may. It unwraps to context.DeadlineExceeded.
type TimeoutError struct {
	Function string
	Index    int // the element; -1 for Call
	Timeout  time.Duration
	Killed   bool // its worker had to be killed, for it did not heed its context within Grace
	// Stack is what the goroutines of a worker that was killed did when half of Grace had passed, that of the function first,
	// up to 64 KiB; empty if it did not tell.
	Stack string
}

// Error implements error.
func (e *TimeoutError) Error() string {
	s := fmt.Sprintf("mp: %s: it ran longer than %v", describe(e.Function, e.Index), e.Timeout)
	if e.Killed {
		s += " and was killed"
	}
	return s
}

// Unwrap returns context.DeadlineExceeded.
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }

// A RemoteError is an error that was made in another process. Its text is that of the original; errors.Is finds in it the
// sentinels of io, io/fs, os and context, any syscall.Errno and those of RegisterError, errors.As an *fs.PathError, this
// package's errors and the types of RegisterErrorType.
type RemoteError struct {
	Text   string
	Type   string // the original's, as %T prints it
	Stack  string // where it was made, if it told
	causes []error
}

// Error implements error.
func (e *RemoteError) Error() string { return e.Text }

// Unwrap gives what is known of the original's chain.
func (e *RemoteError) Unwrap() []error { return e.causes }

// An ElementError tells which element of a map an error is of.
type ElementError struct {
	Index int
	Err   error
}

// Error implements error.
func (e *ElementError) Error() string {
	switch e.Err.(type) { //nolint:errorlint // of the error itself: its text names the element
	case *WorkerError, *TimeoutError:
		return e.Err.Error()
	}
	return fmt.Sprintf("mp: element %d: %s", e.Index, strings.TrimPrefix(e.Err.Error(), "mp: "))
}

// Unwrap returns Err.
func (e *ElementError) Unwrap() error { return e.Err }

// failure is the error for an element without a result.
func failure(f *engine.Failure, function string, index int) error {
	switch f.Reason {
	case engine.Died:
		return workerError(f.Exit, function, index, f.Worker, f.PID, f.Attempts)
	case engine.TimedOut:
		return &TimeoutError{Function: function, Index: index, Timeout: f.Timeout, Killed: f.Killed, Stack: f.Exit.Stack}
	case engine.Stopped:
		return ErrClosed
	case engine.LeaseLost:
		return fmt.Errorf("%w: %w", ErrLeaseLost, workerError(f.Exit, function, index, f.Worker, f.PID, f.Attempts))
	case engine.Broken:
		return fmt.Errorf("mp: the pool has failed: %w", f.Err)
	default:
		return f.Err
	}
}

func workerError(exit spawn.Exit, function string, index, worker, pid, attempts int) *WorkerError {
	e := &WorkerError{
		Function: function, Index: index, Worker: worker, PID: pid, ExitCode: exit.Code,
		OOM: exit.OOM, Limit: exit.Limit, Memory: exit.Memory, Stderr: exit.Stderr, Crash: exit.Crash, Attempts: attempts,
	}
	if exit.Signal != 0 {
		e.Signal = exit.Signal
	}
	return e
}
