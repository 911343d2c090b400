package manager

// Methods of an event.
const (
	eventSet uint8 = iota + 1
	eventClear
	eventIsSet
	eventWait
)

func init() {
	kinds[kindEvent] = kind{name: "Event", make: func(c *call) (object, error) { return new(eventObject), c.args.end() }}
}

// An eventObject is set, or not and waited for.
type eventObject struct {
	set  bool
	line line
}

func (e *eventObject) call(c *call) {
	if c.malformed() {
		return
	}
	switch c.method {
	case eventSet:
		e.set = true
		for w := e.line.take(); w != nil; w = e.line.take() {
			w.done()
		}
		c.done()
	case eventClear:
		e.set = false
		c.done()
	case eventIsSet:
		c.yes(e.set)
	case eventWait:
		if e.set {
			c.done()
		} else {
			e.line.join(c)
		}
	default:
		c.unknown()
	}
}

func (e *eventObject) cancel(c *call) { e.line.cancel(c) }
func (e *eventObject) leave(*session) {}

func (e *eventObject) free() []value {
	e.line.end(errGone)
	return nil
}
