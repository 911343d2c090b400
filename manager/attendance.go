package manager

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/spawn"
)

// attended are the barriers at which the function that a worker runs now has waited.
var attended attendance

type attendance struct {
	any atomic.Bool
	mu  sync.Mutex
	at  map[reference]struct{} // guarded by mu
}

func init() { spawn.WhenIdle(attended.end) }

func (a *attendance) add(barrier *proxy) {
	if !mp.IsWorker() {
		return // its function is the program
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.at == nil {
		a.at = make(map[reference]struct{})
	}
	a.at[reference{barrier.c, barrier.id}] = struct{}{}
	a.any.Store(true)
}

// end makes the process no party any more: its function has returned, and what happens to it later is no matter of those who
// met it at a barrier. The servers hear of it before anybody has the function's result.
func (a *attendance) end() {
	if !a.any.Load() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.any.Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), cancelWait)
	defer cancel()
	for r := range a.at {
		r.c.control.add(header(nil, 0, opCall, barrierQuit, r.id))
		r.c.flush(ctx)
	}
	clear(a.at)
}
