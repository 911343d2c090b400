package engine

import (
	"sync"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/codec"
)

// moved is what moved out of this process with the arguments of a job, by element, as long as it is not known whether the worker
// has got it. See codec.GiveUp.
type moved struct {
	some atomic.Bool
	mu   sync.Mutex
	of   map[int64][]byte // guarded by mu
}

// follow makes the job keep book of what moves, if that may be something. Others do not pay for it.
func (j *Job) follow() {
	encode, deliver := j.Encode, j.Deliver
	switch {
	case encode != nil && j.Moves:
		j.Encode = func(dst []byte, i int64) ([]byte, error) {
			since := codec.Moves()
			out, err := encode(dst, i)
			if err == nil {
				j.Sent(i, out[len(dst):], since)
			}
			return out, err
		}
	case !j.moved.some.Load():
		return
	}
	j.Deliver, j.DeliverRun = func(i int64, r Result) {
		j.Settle(i, r)
		deliver(i, r)
	}, nil
}

// Sent notes what moved into the argument of element i, which was encoded since codec.Moves said so much. For Arg that is done before
// Begin.
func (j *Job) Sent(i int64, arg []byte, since uint64) {
	what := codec.MovedInto(arg, since)
	if what == nil {
		return
	}
	j.moved.mu.Lock()
	defer j.moved.mu.Unlock()
	if j.moved.of == nil {
		j.moved.of = make(map[int64][]byte)
	}
	j.moved.of[i] = what
	j.moved.some.Store(true)
}

// Settle gives up what moved into the argument of element i if this outcome does not say that it was decoded.
func (j *Job) Settle(i int64, r Result) {
	if !j.moved.some.Load() {
		return
	}
	j.moved.mu.Lock()
	what := j.moved.of[i]
	delete(j.moved.of, i)
	j.moved.mu.Unlock()
	if r.Failure != nil || r.Status == abi.StatusDecode {
		codec.GiveUp(what)
	}
}

// GiveUp gives up what moved into the arguments of elements that have no outcome, and will not be asked for one.
func (j *Job) GiveUp() {
	if !j.moved.some.Load() {
		return
	}
	j.moved.mu.Lock()
	of := j.moved.of
	j.moved.of = nil
	j.moved.mu.Unlock()
	for _, what := range of {
		codec.GiveUp(what)
	}
}
