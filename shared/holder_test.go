package shared_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// held is what another process is to hold, and how.
type held struct {
	Mutex     *shared.Mutex
	RMutex    *shared.RMutex
	RWMutex   *shared.RWMutex
	Semaphore *shared.Semaphore
	How       string
	Times     int
	Has, Go   *shared.Event // set when it holds it; set when it is to give it back
}

// hold takes something, says so, and gives it back when it is told.
var hold = mp.Func("hold", func(ctx context.Context, h held) (string, error) {
	var take, give func() error
	switch h.How {
	case "mutex":
		take, give = func() error { return h.Mutex.Lock(ctx) }, h.Mutex.Unlock
	case "rmutex":
		mine := ctx
		take = func() (err error) { mine, err = h.RMutex.Lock(mine); return err } //nolint:fatcontext // that is how it nests
		give = func() error { return h.RMutex.Unlock(mine) }
	case "write":
		take, give = func() error { return h.RWMutex.Lock(ctx) }, h.RWMutex.Unlock
	case "read":
		take, give = func() error { return h.RWMutex.RLock(ctx) }, h.RWMutex.RUnlock
	case "semaphore":
		take, give = func() error { return h.Semaphore.Acquire(ctx) }, h.Semaphore.Release
	default:
		return "", fmt.Errorf("nobody knows how to hold %q", h.How)
	}
	for range max(1, h.Times) {
		if err := take(); err != nil {
			return "", err
		}
	}
	if err := h.Has.Set(); err != nil {
		return "", err
	}
	if err := h.Go.Wait(ctx); err != nil {
		return "", err
	}
	for range max(1, h.Times) {
		if err := give(); err != nil {
			return "", err
		}
	}
	return "held " + h.How, nil
})

// A holder is another process that holds something.
type holder struct {
	*mp.Process[string]
	t     *testing.T
	letGo *shared.Event
}

// holding returns when another process holds it.
func holding(t *testing.T, h held) holder {
	t.Helper()
	h.Has, h.Go = fresh(shared.NewEvent())(t), fresh(shared.NewEvent())(t)
	p := start(t, hold, h)
	ok(t, h.Has.Wait(ctx))
	return holder{p, t, h.Go}
}

// release has it give back what it holds, and end.
func (h holder) release() {
	h.t.Helper()
	ok(h.t, h.letGo.Set())
	resultOf(h.t, h.Process)
}

// die kills it.
func (h holder) die() {
	h.t.Helper()
	ok(h.t, h.Kill())
	<-h.Done()
}
