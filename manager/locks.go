package manager

import (
	"context"
	"errors"

	"github.com/go-multiproc/mp/shared"
)

// errBusy is the answer to a try that was in vain. It gives nothing, so there is nothing to take back.
var errBusy = shared.ErrFull

// take begins a call that takes something, which undo gives back unused.
func (p *proxy) take(method, undo uint8) *request {
	r := p.ask(method)
	r.undo = undo
	return r
}

// lock is take for what a session holds: the second time it is safe, for what the first gave went with its session.
func (p *proxy) lock(method, undo uint8) *request {
	r := p.take(method, undo)
	r.safe = true
	return r
}

// giveBack carries out a method that gives back what was taken.
func (p *proxy) giveBack(ctx context.Context, method uint8) error {
	r := p.ask(method)
	r.owed = true
	return do(ctx, r)
}

// try sends a request whose answer is that something was taken, or errBusy.
func try(ctx context.Context, r *request) (bool, error) {
	err := do(ctx, r)
	switch {
	case err == nil || errors.Is(err, shared.ErrOwnerDied):
		return true, err
	case errors.Is(err, errBusy):
		return false, nil
	}
	return false, err
}
