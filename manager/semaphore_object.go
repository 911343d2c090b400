package manager

import (
	"math"

	"github.com/go-multiproc/mp/shared"
)

// Methods of a semaphore.
const (
	semaphoreAcquire uint8 = iota + 1
	semaphoreTry
	semaphoreRelease
	semaphoreValue
)

func init() { kinds[kindSemaphore] = kind{name: "Semaphore", make: newSemaphoreObject, holds: true} }

// A semaphoreObject is a number of permits.
type semaphoreObject struct {
	permits int              // that are free
	held    map[*session]int // nil if it is not bounded
	line    line             // empty while permits are free
}

// newSemaphoreObject makes one of the number of its permits, and whether it is bounded: 1, else 0.
func newSemaphoreObject(c *call) (object, error) {
	s := &semaphoreObject{permits: c.args.int()}
	if c.args.uint() != 0 {
		s.held = make(map[*session]int)
	}
	if err := c.args.end(); err != nil {
		return nil, err
	}
	if s.permits < 0 {
		return nil, shared.ErrBound
	}
	return s, nil
}

func (s *semaphoreObject) call(c *call) {
	if c.malformed() {
		return
	}
	switch c.method {
	case semaphoreAcquire, semaphoreTry:
		switch {
		case s.permits > 0:
			s.give(c)
		case c.method == semaphoreTry:
			c.fail(errBusy)
		default:
			s.line.join(c)
		}
	case semaphoreRelease:
		c.doneOr(s.release(c.s))
	case semaphoreValue:
		c.int(s.permits)
	default:
		c.unknown()
	}
}

// give answers a call with a permit.
func (s *semaphoreObject) give(c *call) {
	s.permits--
	if s.held != nil {
		s.held[c.s]++
	}
	c.done()
}

func (s *semaphoreObject) release(by *session) error {
	switch {
	case s.held == nil:
		if s.permits == math.MaxInt {
			return shared.ErrBound
		}
	case s.held[by] == 0:
		return shared.ErrBound
	case s.held[by] == 1:
		delete(s.held, by)
	default:
		s.held[by]--
	}
	s.add(1)
	return nil
}

// add makes permits free, and gives them to those who wait.
func (s *semaphoreObject) add(n int) {
	s.permits += n
	for s.permits > 0 && s.line.n > 0 {
		s.give(s.line.take())
	}
}

func (s *semaphoreObject) cancel(c *call) { s.line.cancel(c) }

func (s *semaphoreObject) leave(gone *session) {
	n := s.held[gone]
	delete(s.held, gone)
	s.add(n)
}

func (s *semaphoreObject) free() []value {
	s.line.end(errGone)
	return nil
}
