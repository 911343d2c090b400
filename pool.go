package mp

import (
	"context"
	"fmt"
	"time"

	"github.com/go-multiproc/mp/internal/engine"
	"github.com/go-multiproc/mp/internal/link"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/ring"
	"github.com/go-multiproc/mp/internal/spawn"
)

// An Executor is where calls run: a *Pool, a *Lease, or what InProcess returns. Its methods are for this module's own use.
type Executor interface {
	Backend() (*engine.Backend, error)
}

// A Pool is a number of worker processes that run what functions are called with it. Make it with NewPool. All its methods
// are safe for concurrent use.
type Pool struct {
	backend engine.Backend
	signals *signalled
}

// poolLayout is the channel of a pool's worker. Pages that are never touched cost nothing.
var poolLayout = ring.Layout{Slots: 256, In: poolRing, Out: poolRing}

// poolRing is such that a message of 2 MiB lies in it wholly: larger ones stream, and wait for a worker with nothing else to do.
const poolRing = 4 << 20

// A port copies payloads of up to half its ring.
var _ [poolRing/2 - engine.MaxCopied]struct{}

// NewPool starts a pool and returns when every worker has run Init and Sandbox, or with the error of the first that failed, when
// all others have ended.
func NewPool(c PoolConfig) (*Pool, error) {
	spawn.RequireMain("mp.NewPool")
	if err := c.validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	s := takeSnapshot()
	stdout, stderr := spawn.Stdout, spawn.Stderr
	if c.Stdout != nil {
		stdout = spawn.NewOutput(c.Stdout)
	}
	if c.Stderr != nil {
		stderr = spawn.NewOutput(c.Stderr)
	}
	kernel := osenv.Default()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := catch(c.Signals, cancel)
	e, err := newEngine(ctx, c, s, func(index int, h engine.Host) (engine.Port, error) {
		var cpus []int
		if len(c.CPUs) > 0 {
			cpus = c.CPUs[index%len(c.CPUs)]
		}
		name := fmt.Sprintf("worker-%d", index)
		return startPort(kernel, spawn.Spec{
			Name: name, Worker: index, Env: c.Env, Dir: c.Dir, Registry: s.lines, Layout: poolLayout,
			MemoryLimit: c.MemoryLimit, MaxProcs: c.MaxProcs, CPUs: cpus, Nice: c.Nice, Stdout: stdout, Stderr: stderr,
			Logger: c.Logger, NoArena: c.NoArena,
		}, h)
	})
	signals.follow(e)
	if err != nil {
		signals.wait()
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, err
	}
	return &Pool{backend: newBackend(c, e, s), signals: signals}, nil
}

// startPort starts a worker that ActiveChildren knows.
func startPort(k *osenv.Kernel, s spawn.Spec, h engine.Host) (engine.Port, error) {
	port, err := link.Start(k, s, h)
	if err != nil {
		return nil, err // not port: a nil *Port is no nil Port
	}
	trackChild(port.Child, s)
	return port, nil
}

func newEngine(ctx context.Context, c PoolConfig, s *snapshot, start func(int, engine.Host) (engine.Port, error)) (*engine.Engine, error) {
	observe := c.observer()
	return engine.New(ctx, engine.Config{
		Workers: c.Workers, StartTimeout: c.StartTimeout, Window: int64(c.Window), WindowBytes: c.WindowBytes,
		MaxTasks: int64(c.MaxTasks), MaxAge: c.MaxAge, MaxRSS: c.MaxRSS, IdleTimeout: c.IdleTimeout, MinWorkers: c.MinWorkers,
		Start:        start,
		Setup:        c.Init.job(s),
		Teardown:     c.Exit.job(s),
		Confine:      c.Sandbox.job(s),
		SetupError:   func(r engine.Result) error { return c.Init.failure("Init", r) },
		ConfineError: func(r engine.Result) error { return c.Sandbox.failure("Sandbox", r) },
		LostError: func(worker, pid int, exit spawn.Exit) error {
			return workerError(exit, c.starting(), -1, worker, pid, 1)
		},
		LeaseError: func(f *engine.Failure) error { return failure(f, "Lease", -1) },
		Observe:    observe,
	})
}

func newBackend(c PoolConfig, e *engine.Engine, s *snapshot) engine.Backend {
	return engine.Backend{
		Engine: e, Workers: c.Workers, Timeout: c.TaskTimeout, Grace: c.Grace, Retries: c.Retries, Window: c.Window, Bytes: c.WindowBytes,
		RetryIf: c.RetryIf, Observed: c.Observer != nil,
		Index: func(fn any) (uint32, bool) {
			i, ok := s.index[fn.(*function)]
			return i, ok
		},
	}
}

// job makes the engine's view of a task; nil if there is none.
func (t Task) job(s *snapshot) func() *engine.Job {
	if t.fn == nil {
		return nil
	}
	return func() *engine.Job {
		return &engine.Job{
			Function: t.fn.name, Func: s.index[t.fn], Grace: time.Minute,
			Arg:   t.arg,
			Abort: func(*engine.Failure) {},
		}
	}
}

// failure is the error of a task, under the name of its field; its result is nobody's business.
func (t Task) failure(field string, r engine.Result) error {
	if err := remoteError(r, t.fn.name, -1); err != nil {
		return fmt.Errorf("mp: %s (%s): %w", field, t.fn.name, err)
	}
	return nil
}

// starting is what a worker does that has not come up yet, in words.
func (c PoolConfig) starting() string {
	switch {
	case c.Init.fn != nil && c.Sandbox.fn != nil:
		return "starting, with Init " + c.Init.fn.name + " and Sandbox " + c.Sandbox.fn.name
	case c.Init.fn != nil:
		return "starting, with Init " + c.Init.fn.name
	case c.Sandbox.fn != nil:
		return "starting, with Sandbox " + c.Sandbox.fn.name
	}
	return "starting"
}

// Backend implements Executor.
func (p *Pool) Backend() (*engine.Backend, error) { return &p.backend, nil }

// Close finishes what was accepted, lets every worker run Exit, and ends them. Later calls fail with ErrClosed.
func (p *Pool) Close() error { return p.Stop(context.Background()) }

// Stop is Close bounded by ctx: when it ends first, Stop kills what is left and returns ctx's error.
func (p *Pool) Stop(ctx context.Context) error {
	err := p.backend.Engine.Close(ctx)
	p.signals.wait()
	return err
}

// Kill ends all workers now. What is outstanding fails with ErrClosed.
func (p *Pool) Kill() error {
	p.backend.Engine.Kill()
	p.signals.wait()
	return nil
}

// Ready waits until as many workers as asked for have run Init: at once, but after a death.
func (p *Pool) Ready(ctx context.Context) error { return p.backend.Engine.Ready(ctx) }

// Resize makes the pool have so many workers, at least one, and returns when those that are new have run Init, and those that are too
// many have finished what they ran and have ended. When ctx ends first, it returns its error: a pool that was to grow is then as it was,
// one that was to shrink still does. A failure of Init fails the pool.
func (p *Pool) Resize(ctx context.Context, workers int) error {
	if workers < 1 {
		return fmt.Errorf("mp: Resize(%d): a pool has at least one worker", workers)
	}
	return p.backend.Engine.Resize(ctx, workers)
}
