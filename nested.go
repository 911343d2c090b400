package mp

import (
	"context"
	"runtime"
	"sync"

	"github.com/go-multiproc/mp/internal/engine"
	"github.com/go-multiproc/mp/internal/spawn"
)

// nesting is the elements of an executor that wait for other elements of it. They take up a worker each and do nothing, so for each of
// them there is one worker more: else an executor whose elements all wait would wait for ever. Workers that are processes cannot
// get at their parent's pool, so this is for executors without.
type nesting struct {
	workers int
	engine  *engine.Engine // immutable once the executor is used

	mu      sync.Mutex
	waiting int // guarded by mu
}

// context is the base of the contexts of the elements.
func (n *nesting) context() context.Context {
	return context.WithValue(context.Background(), nestingKey{}, n)
}

type nestingKey struct{}

// wait notes that whoever has ctx waits, until done is called, if it is an element of this executor.
func (n *nesting) wait(ctx context.Context) (done func()) {
	if ctx.Value(nestingKey{}) != n {
		return nothing
	}
	n.add(1)
	return func() { n.add(-1) }
}

func nothing() {}

func (n *nesting) add(d int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiting += d
	n.engine.SetWorkers(n.workers + n.waiting)
}

// nested notes that whoever has ctx waits for elements of this backend, until done is called.
func nested(ctx context.Context, b *engine.Backend) (done func()) {
	if b == nil || b.Waiting == nil {
		return nothing
	}
	return b.Waiting(ctx)
}

// cpuShare is how many CPUs this process is to use: those there are, but of a worker those that its parent has left to it.
func cpuShare() int {
	n := CPUCount()
	if spawn.IsWorker() {
		n = min(n, runtime.GOMAXPROCS(0))
	}
	return n
}
