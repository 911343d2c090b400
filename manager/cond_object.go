package manager

import "github.com/go-multiproc/mp/shared"

// Methods of a condition.
const (
	condWait uint8 = iota + 1
	condSignal
	condHeld
)

func init() { kinds[kindCond] = kind{name: "Cond", make: newCondObject} }

// A condObject is a line of a mutex: of those who wait to be woken, and then for the mutex. All of it is guarded by the mutex's
// lock, which is taken after that of the condition and never before it. Calls that wait are the mutex's: it is what cancels them, and
// lets go of them when their sessions end. A condition holds a reference to its mutex, which so outlives it.
type condObject struct {
	on    *entry // of the mutex
	mutex *mutexObject
	line  line
}

// A wait is what a call of Wait is beside a call that waits for a mutex.
type wait struct {
	cond     *condObject
	canceled bool // and not woken
}

// Flags of the answer to a wait.
const (
	waitCanceled byte = 1 << iota
	waitOwnerDied
)

// had answers a wait that has the mutex.
func (w *wait) had(c *call, ownerDied bool) {
	var flags byte
	if w.canceled {
		flags |= waitCanceled
	}
	if ownerDied {
		flags |= waitOwnerDied
	}
	c.answer(statusOK, []byte{flags})
}

// newCondObject makes one of the number of its mutex.
func newCondObject(c *call) (object, error) {
	id := c.args.uint()
	if err := c.args.end(); err != nil {
		return nil, err
	}
	on := c.s.srv.hold(id)
	if on == nil {
		return nil, errGone
	}
	d := &condObject{on: on}
	if d.mutex, _ = on.obj.(*mutexObject); d.mutex == nil {
		*c.garbage = append(*c.garbage, d.reference())
		return nil, errMessage
	}
	return d, nil
}

// reference is the one that it holds.
func (d *condObject) reference() value { return value{refs: []*entry{d.on}} }

func (d *condObject) call(c *call) {
	d.on.with(c.s.srv, func(*[]value) { d.locked(c) })
}

// locked is call with the mutex's lock.
func (d *condObject) locked(c *call) {
	n := 0
	if c.method == condSignal {
		n = c.args.int()
	}
	if c.malformed() {
		return
	}
	held := d.mutex.owner == c.s
	switch c.method {
	case condWait:
		if !held {
			c.fail(shared.ErrNotOwner)
			return
		}
		c.on, c.waiting = d.on, &wait{cond: d}
		if d.line.join(c) {
			d.mutex.pass(false)
		}
	case condSignal:
		d.wake(n)
		c.done()
	case condHeld:
		c.yes(held)
	default:
		c.unknown()
	}
}

// wake has those who wait longest wait for the mutex: n of them, or as many as there are.
func (d *condObject) wake(n int) {
	for ; n > 0 && d.line.n > 0; n-- {
		d.mutex.want(d.line.take())
	}
}

func (d *condObject) cancel(*call)   {} // its calls are the mutex's
func (d *condObject) leave(*session) {}

func (d *condObject) free() []value {
	d.on.mu.Lock()
	defer d.on.mu.Unlock()
	d.line.end(errGone)
	return []value{d.reference()}
}
