package mp

import (
	"context"
	"sync"

	"github.com/go-multiproc/mp/internal/engine"
	"github.com/go-multiproc/mp/internal/link"
)

// goroutines is an executor without processes.
type goroutines struct {
	backend func() (*engine.Backend, error)
}

// InProcess returns an executor of so many goroutines of this process, at least one. Arguments and results are encoded and
// decoded, and errors are made, as with processes, so that a test can do without: but nothing contains a crash, a
// function that does not heed its context runs on after its timeout, and MemoryLimit means nothing. It needs no Close,
// and its goroutines stay for good: make one for many tests. While a function waits for others that it has called on the same
// executor, with its own context, another goroutine takes its place.
func InProcess(workers int) Executor {
	return &goroutines{backend: sync.OnceValues(func() (*engine.Backend, error) {
		s := takeSnapshot()
		c := PoolConfig{Workers: max(1, workers)}.withDefaults()
		n := &nesting{workers: c.Workers}
		base := n.context()
		e, err := newEngine(context.Background(), c, s, func(_ int, h engine.Host) (engine.Port, error) {
			return link.StartLocal(base, h, s), nil
		})
		if err != nil {
			return nil, err
		}
		n.engine = e
		b := newBackend(c, e, s)
		b.Waiting = n.wait
		return &b, nil
	})}
}

// Lease is Pool.Lease.
func (x *goroutines) Lease(ctx context.Context) (*Lease, error) {
	b, err := x.backend()
	if err != nil {
		return nil, err
	}
	return lease(ctx, b)
}

// Backend implements Executor.
func (x *goroutines) Backend() (*engine.Backend, error) { return x.backend() }
