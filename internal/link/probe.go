package link

import (
	"context"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/probe"
)

// probed is the handler of a server whose elements something runs before.
type probed struct {
	Handler
	s      *server
	before func(ctx context.Context)
}

// probe puts what package mptest wants to run before each element in front of the handler; without that nothing changes.
func (s *server) probe() {
	if probe.Elements == nil {
		return
	}
	if before := probe.Elements(s.parent.Channel, s.wake); before != nil {
		s.handler = probed{s.handler, s, before}
	}
}

// Runner implements Handler.
func (p probed) Runner(fn uint32) Runner { return probedRunner{p, p.Handler.Runner(fn)} }

type probedRunner struct {
	probed

	run Runner
}

// Run implements Runner.
func (p probedRunner) Run(ctx context.Context, arg, dst []byte) (status uint8, out []byte) {
	if p.s.batch.Flags&abi.FlagPrivate == 0 {
		p.before(ctx)
	}
	return p.run.Run(ctx, arg, dst)
}
