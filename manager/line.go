package manager

import "context"

// A line is calls that wait for something in an object, in the order in which they came. A call is in one line at most.
type line struct {
	first, last *call
	n           int
}

// join keeps a call, and puts it at the end. If it reports false, the call is answered.
func (l *line) join(c *call) bool {
	if !c.keep() {
		return false
	}
	l.add(c)
	return true
}

// add puts a call that is kept at the end.
func (l *line) add(c *call) {
	c.line, c.before, c.next = l, l.last, nil
	if l.last == nil {
		l.first = c
	} else {
		l.last.next = c
	}
	l.last = c
	l.n++
}

// take takes out the call that waits longest, nil if none does.
func (l *line) take() *call {
	c := l.first
	if c != nil {
		c.leaveLine()
	}
	return c
}

// leaveLine takes a call out of the line in which it is.
func (c *call) leaveLine() {
	l := c.line
	if c.before == nil {
		l.first = c.next
	} else {
		c.before.next = c.next
	}
	if c.next == nil {
		l.last = c.before
	} else {
		c.next.before = c.before
	}
	l.n--
	c.line, c.before, c.next = nil, nil, nil
}

// cancel takes a call out, and answers it.
func (l *line) cancel(c *call) {
	c.leaveLine()
	c.fail(context.Canceled)
}

// end answers all.
func (l *line) end(err error) {
	for c := l.take(); c != nil; c = l.take() {
		c.fail(err)
	}
}

// has reports whether a call of a session is in the line.
func (l *line) has(s *session) bool {
	for c := l.first; c != nil; c = c.next {
		if c.s == s {
			return true
		}
	}
	return false
}
