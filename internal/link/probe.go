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

// Run implements Handler.
func (p probed) Run(ctx context.Context, fn uint32, arg, dst []byte) (status uint8, out []byte) {
	if p.s.batch.Flags&abi.FlagPrivate == 0 {
		p.before(ctx)
	}
	return p.Handler.Run(ctx, fn, arg, dst)
}
