package mp

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/engine"
)

// Map runs f on every element of in and returns the results in their order. The first failure to arrive cancels the rest;
// the error is an *ElementError of the lowest index among the failures known then. When ctx ends, Map returns its error.
// in must not change before Map returns. No worker idles while an element has not begun: as many elements as there are workers may wait
// for each other.
func (f *Function[In, Out]) Map(ctx context.Context, x Executor, in []In, opts ...MapOption) (results []Out, err error) {
	b, index, s, err := f.mapSettings(ctx, x, opts)
	if err != nil {
		return nil, err
	}
	m := mapping{done: make(chan struct{})}
	m.left.Store(int64(len(in)))
	out := make([]Out, len(in))
	var job engine.Job
	f.prepare(&job, index, &s)
	job.Encode = func(dst []byte, i int64) ([]byte, error) { return f.appendArg(dst, &in[i]) }
	job.Deliver = func(i int64, r engine.Result) {
		if err := f.outcome(r, int(i), &out[i]); err != nil {
			m.fail(int(i), err)
		}
	}
	if f.in.Flat() > 0 {
		job.Size = f.in.Flat()
		job.EncodeRun = func(dst []byte, i int64, n int) []byte { return f.in.Run(dst, in[i:i+int64(n)]) }
	}
	job.DeliverRun = func(first int64, n, size int, payload []byte) {
		if size == f.out.Flat() && size > 0 {
			f.out.DecodeRun(payload, out[first:first+int64(n)])
			return
		}
		for k := range n {
			job.Deliver(first+int64(k), engine.Result{Status: abi.StatusOK, Payload: payload[k*size : (k+1)*size : (k+1)*size]})
		}
	}
	if s.observed { // to ask for each element would cost a tenth of what one costs
		job.Deliver = func(i int64, r engine.Result) {
			err := f.outcome(r, int(i), &out[i])
			finished(b.Engine, &job, i, r, err)
			if err != nil {
				m.fail(int(i), err)
			}
		}
	}
	job.Delivered = func(n int64) {
		if m.left.Add(-n) == 0 {
			m.end()
		}
	}
	job.Abort = func(why *engine.Failure) { m.abort(failure(why, f.name, -1)) }
	if err := b.Engine.Begin(&job); err != nil {
		return nil, err
	}
	ended := mapStarted(b.Engine, &job, len(in))
	defer func() {
		b.Engine.End(&job)
		ended(err)
	}()
	if len(in) == 0 {
		return out, nil
	}
	b.Engine.Add(&job, int64(len(in)))
	defer nested(ctx, b)()
	select {
	case <-m.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := m.outcome(); err != nil {
		return nil, err
	}
	return out, nil
}

// mapSettings is what holds for a map with these options.
func (f *Function[In, Out]) mapSettings(ctx context.Context, x Executor, opts []MapOption) (*engine.Backend, uint32, settings, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, settings{}, err
	}
	b, index, err := f.backend(x)
	if err != nil {
		return nil, 0, settings{}, err
	}
	s := defaults(b)
	for _, o := range opts {
		o.mapping(&s)
	}
	return b, index, s, s.err
}

// mapping is a Map on its way.
type mapping struct {
	left atomic.Int64
	done chan struct{} // closed when there is an outcome
	once sync.Once

	mu     sync.Mutex
	failed *ElementError // of the lowest index so far
	broken error
}

func (m *mapping) end() { m.once.Do(func() { close(m.done) }) }

func (m *mapping) fail(index int, err error) {
	m.mu.Lock()
	if m.failed == nil || index < m.failed.Index {
		m.failed = &ElementError{Index: index, Err: err}
	}
	m.mu.Unlock()
	m.end()
}

func (m *mapping) abort(err error) {
	m.mu.Lock()
	m.broken = err
	m.mu.Unlock()
	m.end()
}

func (m *mapping) outcome() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failed != nil {
		return m.failed
	}
	return m.broken
}
