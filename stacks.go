package mp

import (
	"context"
	"errors"
	"os"

	"github.com/go-multiproc/mp/internal/side"
)

// Stacks tells what the goroutines of a worker do, as a crash report does: the goroutine that runs functions comes first. It is cut
// at 1 MiB. The worker makes it between two of its instructions, so one that is stopped does not answer: the call then returns
// with ctx's error. Nor does one in a loop that the runtime cannot preempt, and there everything waits for the end of the loop.
// It costs the worker a stop of all its goroutines, for as long as it takes to write it.
func (p *Pool) Stacks(ctx context.Context, worker int) (string, error) {
	b, err := p.backend.Engine.Ask(ctx, worker, side.Stacks, nil, side.MaxStacks)
	if err != nil {
		return "", err
	}
	return string(b), nil
}

// Stacks tells what the goroutines of the process do; see Pool.Stacks. It returns os.ErrProcessDone if the process has ended.
func (p *Process[Out]) Stacks(ctx context.Context) (string, error) {
	if p.host.over() {
		return "", os.ErrProcessDone
	}
	b, err := p.port.Ask(ctx, side.Stacks, nil, side.MaxStacks)
	if errors.Is(err, side.ErrGone) {
		return "", os.ErrProcessDone
	}
	if err != nil {
		return "", err
	}
	return string(b), nil
}
