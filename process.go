package mp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/codec"
	"github.com/go-multiproc/mp/internal/engine"
	"github.com/go-multiproc/mp/internal/link"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/ring"
	"github.com/go-multiproc/mp/internal/spawn"
)

// A Process is one function running in a process of its own. All its methods are safe for concurrent use.
type Process[Out any] struct {
	name string
	pid  int
	port *link.Port
	host *processHost[Out]
}

var processLayout = ring.Layout{Slots: 8, In: 256 << 10, Out: 256 << 10}

var processNumber atomic.Int64

// Start starts a process that runs f on in, and then ends. It returns when the process exists; what goes wrong
// afterwards, Wait tells. When ctx ends, the process is killed, as with exec.CommandContext. The process is called as the Name
// option says, else "Process-1" and so on.
func (f *Function[In, Out]) Start(ctx context.Context, in In, opts ...StartOption) (*Process[Out], error) {
	spawn.RequireMain("Start of mp.Function " + f.name)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o := startSettings{grace: defaultGrace}
	for _, opt := range opts {
		opt.start(&o)
	}
	if o.err != nil {
		return nil, o.err
	}
	if o.name == "" {
		o.name = fmt.Sprintf("Process-%d", processNumber.Add(1))
	}
	s := takeSnapshot()
	job := &engine.Job{Function: f.name, Func: s.index[f.function], Waited: true}
	moves := codec.Moves()
	arg, err := f.encode(in)
	if err != nil {
		return nil, err
	}
	job.Sent(0, arg, moves)
	h := &processHost[Out]{function: f.function, job: job, decode: f.outcome, done: make(chan struct{}), grace: o.grace}
	h.mu.Lock() // the port may report before it is known here
	port, err := startPort(osenv.Default(), spawn.Spec{
		Name: o.name, Worker: -1, Env: o.env, Dir: o.dir, Registry: s.lines, Layout: processLayout,
		MemoryLimit: o.memoryLimit, Stdout: spawn.Stdout, Stderr: spawn.Stderr, NoArena: o.noArena,
	}, h)
	if err != nil {
		h.mu.Unlock()
		job.GiveUp()
		return nil, err
	}
	p := &Process[Out]{name: o.name, port: port.(*link.Port), host: h}
	p.pid = p.port.PID()
	h.port = p.port
	// The worker finds its work when it comes up, without another round trip.
	if !h.port.Send(engine.NewBatch(job), arg) {
		h.port.Kill() // a fresh channel has room, so somebody scribbled on it
	}
	h.port.Flush()
	h.mu.Unlock()
	if ctx.Done() != nil {
		h.stop.Store(new(context.AfterFunc(ctx, func() { h.end(ctx.Err()) })))
	}
	return p, nil
}

// Name is what the process is called.
func (p *Process[Out]) Name() string { return p.name }

// PID is the process's id. It may belong to another process once Done is closed.
func (p *Process[Out]) PID() int { return p.pid }

// Done is closed when the process has ended.
func (p *Process[Out]) Done() <-chan struct{} { return p.host.done }

// Alive reports whether the process runs.
func (p *Process[Out]) Alive() bool { return p.ExitCode() == -1 && !p.host.over() }

// Wait waits for the process to end and returns what its function returned: its error as a *RemoteError, or a *PanicError, or a
// *WorkerError if the process ended before it. When ctx ends first, Wait returns its error, and the process runs on.
func (p *Process[Out]) Wait(ctx context.Context) (Out, error) {
	select {
	case <-p.host.done:
	default:
		select {
		case <-p.host.done:
		case <-ctx.Done():
			var zero Out
			return zero, ctx.Err()
		}
	}
	return p.host.out, p.host.err
}

// AwaitReady waits for the process to end, or for ctx, whose error it then returns. With a ctx that has ended it does not wait: it
// returns nil if the process has ended. It is what pipe.Wait calls, which waits for the first of several things.
func (p *Process[Out]) AwaitReady(ctx context.Context) error {
	if p.host.over() {
		return nil
	}
	select {
	case <-p.host.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ExitCode is -1 while the process runs, then its exit code: 0 if its function succeeded, 1 if it failed, -signal if a
// signal ended it.
func (p *Process[Out]) ExitCode() int {
	if !p.host.over() {
		return -1
	}
	return p.host.exit.Code
}

// Interrupt cancels the context of the function.
func (p *Process[Out]) Interrupt() error {
	return p.host.with(func() { p.port.Cancel(0, abi.CauseCancel) })
}

// Terminate is Interrupt, and after Grace, if the process still runs, Kill. It does not wait.
func (p *Process[Out]) Terminate() error {
	if err := p.Interrupt(); err != nil {
		return err
	}
	time.AfterFunc(p.host.grace, func() { _ = p.Kill() }) // that it has ended by then is fine
	return nil
}

// Kill kills the process and its whole process group, now. It returns os.ErrProcessDone if the process has ended.
func (p *Process[Out]) Kill() error { return p.host.with(p.port.Kill) }

// Close kills the process, if it runs, and waits until it has ended.
func (p *Process[Out]) Close() error {
	_ = p.Kill() // that it has ended is fine
	<-p.host.done
	return nil
}

// processHost hears from the port of a Process.
type processHost[Out any] struct {
	function *function
	job      *engine.Job
	decode   func(engine.Result, int, *Out) error
	grace    time.Duration
	stop     atomic.Pointer[func() bool]

	mu       sync.Mutex
	port     *link.Port
	lost     bool
	answered bool
	finished bool // told to end
	ctxErr   error

	out  Out // these three are immutable once done is closed
	err  error
	exit spawn.Exit
	done chan struct{}
}

func (h *processHost[Out]) over() bool {
	select {
	case <-h.done:
		return true
	default:
		return false
	}
}

// with calls fn while the process exists.
func (h *processHost[Out]) with(fn func()) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lost {
		return os.ErrProcessDone
	}
	fn()
	return nil
}

func (h *processHost[Out]) end(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.lost && !h.answered {
		h.ctxErr = err
	}
	if !h.lost {
		h.port.Kill()
	}
}

// Up implements engine.Host.
func (h *processHost[Out]) Up() {}

// Result implements engine.Host.
func (h *processHost[Out]) Result(status uint8, payload []byte) error {
	h.mu.Lock()
	if h.answered {
		h.mu.Unlock()
		return errors.New("a second result")
	}
	h.answered = true
	h.mu.Unlock()
	r := engine.Result{Status: status, Payload: payload}
	h.job.Settle(0, r)
	h.err = h.decode(r, -1, &h.out)
	return nil
}

// Results implements engine.Host. There is one element.
func (h *processHost[Out]) Results(_, size int, payload []byte) error {
	return errors.Join(h.Result(abi.StatusOK, payload[:size]), errors.New("a second result"))
}

// Quiet implements engine.Host.
func (*processHost[Out]) Quiet() {}

// Progress implements engine.Host.
func (h *processHost[Out]) Progress() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.answered || h.finished {
		return
	}
	if h.finished = h.port.Finish(); !h.finished {
		h.port.Kill()
	}
}

// Lost implements engine.Host.
func (h *processHost[Out]) Lost(exit spawn.Exit, why error) {
	h.mu.Lock()
	h.lost = true
	h.exit = exit
	switch {
	case h.ctxErr != nil:
		var zero Out
		h.out, h.err = zero, h.ctxErr
	case h.answered:
	case why != nil:
		h.err = why
	default:
		h.err = workerError(exit, h.function.name, -1, -1, h.port.PID(), 1)
	}
	h.mu.Unlock()
	h.job.GiveUp()
	if stop := h.stop.Load(); stop != nil {
		(*stop)()
	}
	close(h.done)
}
