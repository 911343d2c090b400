package link

import (
	"context"
	"sync"
	"time"

	"github.com/go-multiproc/mp/internal/engine"
	"github.com/go-multiproc/mp/internal/side"
	"github.com/go-multiproc/mp/internal/spawn"
)

// hearLimit is how long the end of a worker waits for what it said on the side channel to be handed on: a handler that blocks must
// not hold up the outcome of what the worker had.
const hearLimit = 5 * time.Second

// listen begins to hear what the worker says, if anybody wants to know.
func (p *Port) listen(s spawn.Spec) {
	var sink side.Sink
	if s.Logger != nil {
		sink.Handler = s.Logger.With("worker", s.Worker, "pid", p.Child.PID).Handler()
	}
	if h, ok := p.host.(engine.FractionHost); ok {
		sink.Fraction = h.Fraction
	}
	if sink.Handler != nil || sink.Fraction != nil {
		p.Child.Side.Listen(sink)
	}
}

// hear hands on what the worker said before its end.
func (p *Port) hear() {
	limit := time.NewTimer(hearLimit)
	defer limit.Stop()
	p.Child.Side.Finish(limit.C)
}

// Ask implements engine.Asker.
func (p *Port) Ask(ctx context.Context, name string, arg []byte, limit int) ([]byte, error) {
	either, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.life, cancel)()
	body, err := p.Child.Side.Ask(either, name, arg, limit)
	if err != nil && ctx.Err() == nil && p.life.Err() != nil {
		err = side.ErrGone
	}
	return body, err
}

// maxStack is how much of a stack goes into an error, which may be kept. The goroutine of the function comes first.
const maxStack = 64 << 10

// A stack is what a worker's goroutines did when it was last asked.
type stack struct {
	mu    sync.Mutex
	text  string
	under sync.WaitGroup // questions
}

// Inspect implements engine.Port.
func (p *Port) Inspect() {
	p.stack.under.Go(func() {
		// What came of it is of use even if the worker ended before it had said all.
		body, _ := p.Ask(context.Background(), side.Stacks, nil, side.MaxStacks)
		p.stack.mu.Lock()
		defer p.stack.mu.Unlock()
		p.stack.text = string(body[:min(len(body), maxStack)])
	})
}

// last is what was heard; call it when life has ended.
func (s *stack) last() string {
	s.under.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text
}
