package manager

import (
	"context"

	"github.com/go-multiproc/mp/shared"
)

// Methods of a mutex.
const (
	mutexLock uint8 = iota + 1
	mutexTry
	mutexUnlock
	mutexUndo // gives it back unused: the next owner is told what this one was
	mutexLocked
)

func init() {
	kinds[kindMutex] = kind{name: "Mutex", make: func(c *call) (object, error) { return new(mutexObject), c.args.end() }, holds: true}
}

// A mutexObject belongs to a session, or to nobody, and then nobody waits for it. Calls of Wait wait for it as those of Lock do,
// once they are woken; before, they are in the lines of its conditions, which are part of it: see condObject.
type mutexObject struct {
	owner *session
	died  bool // an owner died with it, and nobody has unlocked it since
	line  line
}

func (m *mutexObject) call(c *call) {
	if c.malformed() {
		return
	}
	switch c.method {
	case mutexLock, mutexTry:
		switch {
		case m.owner == nil:
			m.give(c)
		case c.method == mutexTry:
			c.fail(errBusy)
		default:
			m.line.join(c)
		}
	case mutexUnlock, mutexUndo:
		if m.owner != c.s {
			c.fail(shared.ErrNotOwner)
			return
		}
		m.pass(c.method == mutexUndo && m.died)
		c.done()
	case mutexLocked:
		c.yes(m.owner != nil)
	default:
		c.unknown()
	}
}

// give answers a call with the mutex.
func (m *mutexObject) give(c *call) {
	m.owner = c.s
	switch w, ok := c.waiting.(*wait); {
	case ok:
		w.had(c, m.died)
	case m.died:
		c.fail(shared.ErrOwnerDied)
	default:
		c.done()
	}
}

// pass takes the mutex from its owner, and gives it to the call that waits longest.
func (m *mutexObject) pass(died bool) {
	m.owner, m.died = nil, died
	if c := m.line.take(); c != nil {
		m.give(c)
	}
}

// want has a call of Wait wait for the mutex from now on, or have it.
func (m *mutexObject) want(c *call) {
	if m.owner == nil {
		m.give(c)
	} else {
		m.line.add(c)
	}
}

// cancel of a call of Wait has it wait for the mutex, if it does not already: it has it when it returns, in any case.
func (m *mutexObject) cancel(c *call) {
	w, ok := c.waiting.(*wait)
	switch asleep := ok && c.line == &w.cond.line; {
	case !ok:
		m.line.cancel(c)
	case c.s.ctx.Err() != nil: // nobody is there to have it
		c.leaveLine()
		if !asleep && !w.canceled {
			w.cond.wake(1) // another has its wake-up
		}
		c.fail(context.Canceled)
	case asleep:
		w.canceled = true
		c.leaveLine()
		m.want(c)
	}
}

func (m *mutexObject) leave(gone *session) {
	if m.owner == gone {
		m.pass(true)
	}
}

func (m *mutexObject) free() []value {
	m.line.end(errGone)
	return nil
}
