package mp

import (
	"fmt"
	"time"

	"github.com/go-multiproc/mp/internal/engine"
)

// Options are named types, so that the wrong option on the wrong call does not compile. One that cannot be, as a negative Timeout, is an
// error of the call, which names it.
type (
	// A CallOption is one for Call, Go and TryGo: Timeout, Grace, Retries, RetryIf, Seed, Priority, Key.
	CallOption interface{ call(*settings) }
	// A MapOption is one for Map, Results, Stream and Reduce: Timeout, Grace, Retries, RetryIf, ChunkSize, Window, Observe, Seed,
	// Priority, Key.
	MapOption interface{ mapping(*settings) }
	// A StartOption is one for Start: Name, Env, Dir, MemoryLimit, Grace, NoArena.
	StartOption interface{ start(*startSettings) }
)

// settings is what the options of a call or a map say.
type settings struct {
	timeout time.Duration
	grace   time.Duration
	retries int
	chunk   int
	window  int
	seeded  bool
	seed    uint64
	failed  func(index int, err error) // told of each failure of a stream as it comes; nil for nobody
	err     error                      // of the first option that cannot be

	observers []func(Event)
	retryIf   func(error) bool
	observed  bool // by the pool's Observer, or by observers
	single    bool // a call, no map

	priority int
	key      string
	lease    *engine.Lease // the executor's
}

type startSettings struct {
	name        string
	env         []string
	dir         string
	memoryLimit int64
	grace       time.Duration
	noArena     bool
	err         error // of the first option that cannot be
}

// set sets a field to what an option says, which must not be negative.
func set[V ~int | ~int64](field *V, name string, v V, err *error) {
	if *field = v; v < 0 && *err == nil {
		*err = fmt.Errorf("mp: %s(%v): it must not be negative", name, v)
	}
}

// Timeout is how long an element may run, from when it starts. Its context is then cancelled, and after Grace its worker
// killed; the outcome is a *TimeoutError. It overrides PoolConfig.TaskTimeout; 0 is no limit.
type Timeout time.Duration

func (o Timeout) call(s *settings)    { set(&s.timeout, "Timeout", time.Duration(o), &s.err) }
func (o Timeout) mapping(s *settings) { o.call(s) }

// Grace is how long an element has to end after its context was cancelled. It overrides PoolConfig.Grace.
type Grace time.Duration

func (o Grace) call(s *settings)       { set(&s.grace, "Grace", time.Duration(o), &s.err) }
func (o Grace) mapping(s *settings)    { o.call(s) }
func (o Grace) start(s *startSettings) { set(&s.grace, "Grace", time.Duration(o), &s.err) }

// Retries is how often an element is run again whose worker died, or that ran longer than it may, whether it heeded its context or had to be
// killed. It overrides PoolConfig.Retries.
type Retries int

func (o Retries) call(s *settings)    { set(&s.retries, "Retries", int(o), &s.err) }
func (o Retries) mapping(s *settings) { o.call(s) }

type retryIfOption func(error) bool

func (o retryIfOption) call(s *settings)    { s.retryIf = o }
func (o retryIfOption) mapping(s *settings) { s.retryIf = o }

// A RetryOption is one for calls and maps.
type RetryOption interface {
	CallOption
	MapOption
}

// RetryIf makes errors of an element that fn is true for be retried, within Retries; deaths and timeouts are, whatever it says. It overrides
// PoolConfig.RetryIf.
func RetryIf(fn func(error) bool) RetryOption { return retryIfOption(fn) }

// ChunkSize is how many elements travel in one message, at least 1. Without it that is measured. Fewer do when they are found to take longer than
// some milliseconds, for others wait, too. It changes the speed only: each element has its own outcome.
type ChunkSize int

func (o ChunkSize) mapping(s *settings) {
	if s.chunk = int(o); o < 1 {
		s.err = fmt.Errorf("mp: ChunkSize(%d): it must be at least 1", int(o))
	}
}

// Window is how many elements of this map may be accepted and not yet collected, at least 1. It overrides PoolConfig.Window.
type Window int

func (o Window) mapping(s *settings) {
	if s.window = int(o); o < 1 {
		s.err = fmt.Errorf("mp: Window(%d): it must be at least 1", int(o))
	}
}

// Name is what a process is called, in errors, in front of its output, and in ActiveChildren.
type Name string

func (o Name) start(s *startSettings) { s.name = string(o) }

type envOption []string

func (o envOption) start(s *startSettings) { s.env = append(s.env, o...) }

// Env adds variables, "name=value", to the environment that a process gets from its parent.
func Env(env []string) StartOption { return envOption(env) }

// Dir is the directory in which a process starts. Without it that is its parent's.
type Dir string

func (o Dir) start(s *startSettings) { s.dir = string(o) }

// MemoryLimit is a process's hard limit in bytes: above it, it is killed, and its error has OOM and Limit set. See PoolConfig.MemoryLimit.
type MemoryLimit int64

func (o MemoryLimit) start(s *startSettings) {
	if set(&s.memoryLimit, "MemoryLimit", int64(o), &s.err); tooLittle(int64(o)) && s.err == nil {
		s.err = fmt.Errorf("mp: MemoryLimit(%d): %s", o, inBytes)
	}
}

// NoArena makes a process that is not trusted, if it is true: see PoolConfig.NoArena.
type NoArena bool

func (o NoArena) start(s *startSettings) { s.noArena = bool(o) }
