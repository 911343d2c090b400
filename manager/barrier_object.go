package manager

import (
	"fmt"

	"github.com/go-multiproc/mp/shared"
)

// Methods of a barrier.
const (
	barrierWait uint8 = iota + 1
	barrierAbort
	barrierReset
	barrierParties
	barrierWaiting
	barrierBroken
	barrierQuit // the session is no party any more, unless a call of it waits
)

// Why a barrier is broken.
var (
	errPartyDied   = fmt.Errorf("%w: a party died", shared.ErrBroken)
	errPartyGaveUp = fmt.Errorf("%w: a party gave up waiting", shared.ErrBroken)
	errAborted     = fmt.Errorf("%w: a process called Abort", shared.ErrBroken)
	errReset       = fmt.Errorf("%w: it was reset", shared.ErrBroken)
)

func init() { kinds[kindBarrier] = kind{name: "Barrier", make: newBarrierObject, holds: true} }

// A barrierObject lets a number of calls go together. The sessions that ever made one are its members, whose end breaks it.
type barrierObject struct {
	parties int
	members map[*session]struct{}
	broken  error // why; nil if it is not
	line    line
}

// newBarrierObject makes one of the number of its parties.
func newBarrierObject(c *call) (object, error) {
	b := &barrierObject{parties: c.args.int(), members: make(map[*session]struct{})}
	if err := c.args.end(); err != nil {
		return nil, err
	}
	if b.parties < 1 {
		return nil, shared.ErrBound
	}
	return b, nil
}

func (b *barrierObject) call(c *call) {
	if c.malformed() {
		return
	}
	switch c.method {
	case barrierWait:
		b.wait(c)
	case barrierAbort:
		b.breakUp(errAborted)
		c.done()
	case barrierReset:
		b.line.end(errReset)
		clear(b.members)
		b.broken = nil
		c.done()
	case barrierParties:
		c.int(b.parties)
	case barrierWaiting:
		c.int(b.line.n)
	case barrierBroken:
		c.yes(b.broken != nil)
	case barrierQuit:
		if !b.line.has(c.s) {
			delete(b.members, c.s)
		}
		c.done()
	default:
		c.unknown()
	}
}

// wait makes a call one of those that go together, or the one with which they go. The answer is how many were there before it.
func (b *barrierObject) wait(c *call) {
	switch {
	case b.broken != nil:
		c.fail(b.broken)
	case b.line.n == b.parties-1:
		b.members[c.s] = struct{}{}
		for n := 0; b.line.n > 0; n++ {
			b.line.take().int(n)
		}
		c.int(b.parties - 1)
	case b.line.join(c):
		b.members[c.s] = struct{}{}
	}
}

// breakUp breaks the barrier; the first cause counts.
func (b *barrierObject) breakUp(why error) {
	if b.broken == nil {
		b.broken = why
		b.line.end(why)
	}
}

func (b *barrierObject) cancel(c *call) {
	b.line.cancel(c)
	if c.s.ctx.Err() != nil {
		b.breakUp(errPartyDied)
	} else {
		b.breakUp(errPartyGaveUp)
	}
}

func (b *barrierObject) leave(gone *session) {
	if _, ok := b.members[gone]; ok {
		delete(b.members, gone)
		b.breakUp(errPartyDied)
	}
}

func (b *barrierObject) free() []value {
	b.line.end(errGone)
	return nil
}
