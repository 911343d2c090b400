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

// Sent notes what moved into the argument of element i, which was encoded since codec.Moves said so much. The engine does it itself for what
// it encodes itself.
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
