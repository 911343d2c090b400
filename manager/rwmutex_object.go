package manager

import "github.com/go-multiproc/mp/shared"

// Methods of a read-write mutex.
const (
	rwmutexLock uint8 = iota + 1
	rwmutexTryLock
	rwmutexUnlock
	rwmutexUndo // Unlock unused: the next owner is told what this one was
	rwmutexRLock
	rwmutexTryRLock
	rwmutexRUnlock
)

func init() {
	kinds[kindRWMutex] = kind{name: "RWMutex", holds: true, make: func(c *call) (object, error) {
		return &rwmutexObject{readers: make(map[*session]int)}, c.args.end()
	}}
}

// An rwmutexObject belongs to a writer, or to readers, or to nobody. There is one line for all, and who is at its head goes as
// soon as he can: so readers that follow each other go together, and nobody starves.
type rwmutexObject struct {
	writer  *session
	readers map[*session]int // those that have read locks, and how many
	died    bool             // a writer died with it, and none has unlocked it since
	line    line
}

func (m *rwmutexObject) call(c *call) {
	if c.malformed() {
		return
	}
	switch c.method {
	case rwmutexLock, rwmutexTryLock, rwmutexRLock, rwmutexTryRLock:
		switch {
		case m.line.n == 0 && m.give(c):
		case c.method == rwmutexTryLock || c.method == rwmutexTryRLock:
			c.fail(errBusy)
		default:
			m.line.join(c)
		}
	case rwmutexUnlock, rwmutexUndo:
		if m.writer != c.s {
			c.fail(shared.ErrNotOwner)
			return
		}
		m.writer, m.died = nil, c.method == rwmutexUndo && m.died
		m.next()
		c.done()
	case rwmutexRUnlock:
		switch n := m.readers[c.s]; n {
		case 0:
			c.fail(shared.ErrNotOwner)
			return
		case 1:
			delete(m.readers, c.s)
		default:
			m.readers[c.s] = n - 1
		}
		m.next()
		c.done()
	default:
		c.unknown()
	}
}

// give answers a call with the lock, if it can be had.
func (m *rwmutexObject) give(c *call) bool {
	switch write := c.method == rwmutexLock || c.method == rwmutexTryLock; {
	case m.writer != nil || write && len(m.readers) > 0:
		return false
	case write:
		m.writer = c.s
	default:
		m.readers[c.s]++
	}
	if m.died {
		c.fail(shared.ErrOwnerDied)
	} else {
		c.done()
	}
	return true
}

// next gives the lock to those at the head of the line.
func (m *rwmutexObject) next() {
	for c := m.line.first; c != nil && m.give(c); c = m.line.first {
		c.leaveLine()
	}
}

func (m *rwmutexObject) cancel(c *call) {
	m.line.cancel(c)
	m.next() // it may have kept others waiting
}

func (m *rwmutexObject) leave(gone *session) {
	if m.writer == gone {
		m.writer, m.died = nil, true
	}
	delete(m.readers, gone)
	m.next()
}

func (m *rwmutexObject) free() []value {
	m.line.end(errGone)
	return nil
}
