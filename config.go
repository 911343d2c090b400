package mp

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"
)

// PoolConfig is what a pool is to be. The zero value works.
type PoolConfig struct {
	// Workers is the number of processes. Defaults to CPUCount(), in a worker, which may have a pool of its own, to no more than its
	// GOMAXPROCS: that is its share.
	Workers int
	// Init runs first in every worker. A failure fails NewPool, or, later, the pool, with that error. Defaults to none.
	Init Task
	// Sandbox runs in every worker after Init, which may open what the worker needs, and before anything else: it is where a worker
	// gives up rights that it must not have while it serves (see package sandbox, whose Policy makes such a task). A failure is as one of
	// Init. Defaults to none.
	Sandbox Task
	// Exit runs last in a worker that ends in order. Its outcome is ignored. Defaults to none.
	Exit Task
	// StartTimeout is for starting a worker, its Init and its Sandbox. Defaults to 1 minute.
	StartTimeout time.Duration
	// MaxTasks is how many elements a worker runs: it is then replaced. Its successor starts when a tenth of them is left. Those that
	// fail count. Defaults to no limit.
	MaxTasks int
	// MaxAge is after how long a worker is replaced. Its successor starts first; the worker finishes what it runs. Of workers of the
	// same age a quarter is replaced at a time. Defaults to no limit.
	MaxAge time.Duration
	// MaxRSS is the resident set, in bytes, above which a worker is replaced, if it has run an element: the pool looks after results,
	// and when the worker idles, some ten times a second at least. The successor starts first, so until it is ready the worker may run
	// more elements. Defaults to no limit.
	MaxRSS int64
	// MemoryLimit is a hard limit in bytes: a worker above it is killed, and its element fails with a *WorkerError whose OOM and Limit are
	// set. Where a control group (version 2) with the memory controller was delegated to the program, the kernel enforces it for the worker and
	// everything that it starts, exactly; it then counts pages of shared memory to the worker that touches them first. Elsewhere the parent looks
	// every 10 ms, and every millisecond from half of the limit on, at what the worker alone has allocated, without its children and without
	// shared memory: one that allocates quickly was seen to get 4 MiB further. Defaults to no limit.
	MemoryLimit int64
	// TaskTimeout is how long an element may run, from when it starts. Defaults to no limit.
	TaskTimeout time.Duration
	// Grace is the time between cancelling an element's context and killing its worker. Defaults to 100 ms.
	Grace time.Duration
	// Retries is how often an element is run again whose worker died, of whatever, or that ran longer than it may, also if it heeded its
	// context: with a TaskTimeout a caller may wait for 1+Retries of them. There is no budget for some of these alone: to run crashes again and
	// timeouts not, leave it at 0 and look at the error. Defaults to 0: it runs at most once.
	Retries int
	// RetryIf, if set, is asked about each error with which an element fails, as its caller would see it: those for which it is true
	// are retried as well, of the same budget. It only adds: a death or a timeout is retried whatever it says. It may be called by several goroutines, and holds the pool up. Defaults to none.
	RetryIf func(error) bool
	// IdleTimeout is after how long without work a worker ends, if more than MinWorkers are left. NewPool then starts only MinWorkers,
	// at least one, and others are started when there is more to do than workers to do it. Defaults to never.
	IdleTimeout time.Duration
	// MinWorkers is how many workers stay when there is nothing to do, if IdleTimeout is set. Defaults to 0: all may end.
	MinWorkers int
	// Window is how many elements are accepted and not finished, and for Map, Results and Stream not yet collected. Defaults
	// to 4096 for each worker.
	Window int
	// WindowBytes is the same in encoded bytes; one element that is larger travels alone. Results and Stream have as much again while the loop
	// goes through what it has collected; what has begun when it is full is finished. Inputs that were pulled are bounded by Window alone. Defaults
	// to 256 MiB.
	WindowBytes int64
	// Env is added to the parent's environment. Defaults to nothing.
	Env []string
	// Dir is where workers start. Defaults to the parent's directory.
	Dir string
	// MaxProcs is GOMAXPROCS of a worker. Defaults to max(1, CPUCount()/Workers), in a worker to that part of its own.
	MaxProcs int
	// CPUs is the CPU affinity of each worker, by index. Defaults to none.
	CPUs [][]int
	// Nice is how much nicer to other processes a worker is than its parent, as the command nice makes it: 1 to 19, of which the
	// kernel takes what leads to 19 in all. It is an error if it is negative: only the superuser could. Defaults to 0.
	Nice int
	// NoArena makes workers that are not trusted: they get the channel to their parent and nothing else of the family: no descriptor and no
	// mapping of its shared memory, and not its secret. See "Workers that are not trusted". Handles of package shared and ends of pipes
	// cannot be sent to them: the element fails with ErrDetached. Defaults to false.
	NoArena bool
	// Stdout is where lines that workers print go, each with a prefix. It is written to by one at a time. Defaults to the parent's.
	Stdout io.Writer
	// Stderr is the same for what they print there. Defaults to the parent's.
	Stderr io.Writer
	// Signals end the pool, as os.Interrupt, which Ctrl-C sends. On the first of these it ends in order: elements that run have Grace to
	// finish, everything else fails at once with ErrInterrupted (see Interrupt). On the second it is killed. Several pools each get them. What
	// the program itself does on a signal is its own affair, but while the pool lives they do not end it; once Close, Stop or Kill
	// has returned, they do as ever. Defaults to none.
	Signals []os.Signal
	// Logger is told of workers that start and end, and of callbacks of Then that panic, and gets what workers log: see Logger. The lowest level that it takes is
	// told to a worker at its start. Its handler runs on one goroutine for each worker. Defaults to none.
	Logger *slog.Logger
	// Observer is told of workers that start and end, of maps, and of elements that start, tell how far they are, are retried and
	// finish. Defaults to none.
	Observer Observer
}

const (
	defaultStartTimeout = time.Minute
	defaultGrace        = 100 * time.Millisecond
	defaultWindow       = 4096
	defaultWindowBytes  = 256 << 20
)

func (c PoolConfig) validate() error {
	for _, f := range []struct {
		name string
		n    int64
	}{
		{"Workers", int64(c.Workers)}, {"StartTimeout", int64(c.StartTimeout)}, {"MaxTasks", int64(c.MaxTasks)},
		{"MaxAge", int64(c.MaxAge)}, {"MaxRSS", c.MaxRSS}, {"MemoryLimit", c.MemoryLimit},
		{"TaskTimeout", int64(c.TaskTimeout)}, {"Grace", int64(c.Grace)}, {"Retries", int64(c.Retries)},
		{"IdleTimeout", int64(c.IdleTimeout)}, {"MinWorkers", int64(c.MinWorkers)}, {"Window", int64(c.Window)}, {"WindowBytes", c.WindowBytes}, {"MaxProcs", int64(c.MaxProcs)}, {"Nice", int64(c.Nice)},
	} {
		if f.n < 0 {
			return fmt.Errorf("mp: PoolConfig.%s is negative: %d", f.name, f.n)
		}
	}
	switch {
	case tooLittle(c.MemoryLimit):
		return fmt.Errorf("mp: PoolConfig.MemoryLimit is %d, %s", c.MemoryLimit, inBytes)
	case c.MinWorkers > 0 && c.IdleTimeout == 0:
		return fmt.Errorf("mp: PoolConfig.MinWorkers means nothing without IdleTimeout")
	case c.Init.err != nil:
		return fmt.Errorf("mp: PoolConfig.Init: %w", c.Init.err)
	case c.Sandbox.err != nil:
		return fmt.Errorf("mp: PoolConfig.Sandbox: %w", c.Sandbox.err)
	case c.Exit.err != nil:
		return fmt.Errorf("mp: PoolConfig.Exit: %w", c.Exit.err)
	}
	return nil
}

// tooLittle reports a limit of memory under which no worker starts: what was meant are mebibytes.
func tooLittle(limit int64) bool { return limit > 0 && limit < 1<<20 }

const inBytes = "less than any process has: it is in bytes, and 512<<20 are 512 MiB"

func (c PoolConfig) withDefaults() PoolConfig {
	setDefault(&c.Workers, cpuShare())
	setDefault(&c.StartTimeout, defaultStartTimeout)
	setDefault(&c.Grace, defaultGrace)
	setDefault(&c.Window, defaultWindow*c.Workers)
	setDefault(&c.WindowBytes, defaultWindowBytes)
	setDefault(&c.MaxProcs, max(1, cpuShare()/c.Workers))
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
