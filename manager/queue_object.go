package manager

import (
	"fmt"

	"github.com/go-multiproc/mp/shared"
)

// Methods of a queue.
const (
	queuePut uint8 = iota + 1
	queueTryPut
	queueGet
	queueTryGet
	queueTake
	queueTryTake
	queueUngot   // the answer to a get comes back
	queueUntaken // and that to a take
	queueAck
	queueReturn
	queueLen
	queueTaskDone
	queueJoin
	queueClose
)

func init() { kinds[kindQueue] = kind{name: "Queue", make: newQueueObject, holds: true} }

// A queueObject is a queue. Who waits in it is served in order; getters wait only while there is nothing, and putters while there is
// no room for the first of them.
type queueObject struct {
	srv      *server
	capacity int   // items, 0 for no limit
	limit    int64 // bytes

	items    row   // that were put
	bytes    int64 // of them
	returned row   // that came back, the next one last
	closed   bool
	put      int // items so far
	done     int // for which TaskDone was called

	deliveries map[uint64]delivery // what sessions have taken
	last       uint64              // number of a delivery

	getters, putters, joiners line
}

// A delivery is an item that a session has taken.
type delivery struct {
	s *session
	v value
}

func newQueueObject(c *call) (object, error) {
	q := &queueObject{srv: c.s.srv, capacity: c.args.int(), limit: int64(c.args.int()), deliveries: make(map[uint64]delivery)}
	if err := c.args.end(); err != nil || q.capacity < 0 || q.limit < 0 {
		return nil, errMessage
	}
	return q, nil
}

func (q *queueObject) call(c *call) {
	switch c.method {
	case queuePut, queueTryPut:
		q.putItem(c)
	case queueGet, queueTryGet, queueTake, queueTryTake:
		q.get(c)
	case queueUngot:
		q.ungot(c)
	case queueAck, queueReturn, queueUntaken:
		q.settle(c)
	case queueLen:
		c.int(len(q.items.values) + len(q.returned.values))
	case queueTaskDone:
		q.taskDone(c)
	case queueJoin:
		if q.done == q.put {
			c.done()
		} else {
			q.joiners.join(c)
		}
	case queueClose:
		q.close(c)
	default:
		c.unknown()
	}
}

func (q *queueObject) putItem(c *call) {
	v, err := c.takeLast()
	if err != nil {
		c.fail(err)
		return
	}
	garbage := c.garbage
	switch {
	case q.closed:
		err = ErrClosed
	case q.putters.n == 0 && q.fits(v):
		q.add(garbage, v)
		c.done()
		return
	case c.method == queueTryPut:
		err = shared.ErrFull
	default:
		c.waiting = v
		if !q.putters.join(c) { // that was the answer
			*garbage = append(*garbage, v)
		}
		return
	}
	c.drop(v)
	c.fail(err)
}

// fits reports whether there is room for an item. One that is too large is let in when there is no other.
func (q *queueObject) fits(v value) bool {
	n := len(q.items.values)
	return n == 0 || (q.capacity == 0 || n < q.capacity) && q.bytes+int64(len(v.data)) <= q.limit
}

// add puts an item, or gives it to who waits for one.
func (q *queueObject) add(garbage *[]value, v value) {
	q.put++
	if c := q.getters.take(); c != nil {
		q.give(garbage, c, v)
		return
	}
	q.items.push(v)
	q.bytes += int64(len(v.data))
}

func (q *queueObject) get(c *call) {
	v, ok := q.next(c.garbage)
	switch {
	case ok:
		q.give(c.garbage, c, v)
	case q.ended():
		c.fail(ErrClosed)
	case c.method == queueGet || c.method == queueTake:
		q.getters.join(c)
	default:
		c.fail(shared.ErrEmpty)
	}
}

// next takes the next item, and lets in who waits for the room.
func (q *queueObject) next(garbage *[]value) (v value, ok bool) {
	if n := len(q.returned.values); n > 0 {
		return q.returned.pop(n - 1), true
	}
	if len(q.items.values) == 0 {
		return value{}, false
	}
	v = q.items.pop(0)
	q.bytes -= int64(len(v.data))
	q.admit(garbage)
	return v, true
}

// admit puts what waits to be put and fits.
func (q *queueObject) admit(garbage *[]value) {
	for c := q.putters.first; c != nil && q.fits(c.waiting.(value)); c = q.putters.first {
		c.leaveLine()
		q.add(garbage, c.waiting.(value))
		c.done()
	}
}

func (q *queueObject) taskDone(c *call) {
	if q.done == q.put {
		c.fail(fmt.Errorf("%w: TaskDone was called for every item", shared.ErrBound))
		return
	}
	if q.done++; q.done == q.put {
		for j := q.joiners.take(); j != nil; j = q.joiners.take() {
			j.done()
		}
	}
	c.done()
}

func (q *queueObject) close(c *call) {
	q.closed = true
	for p := q.putters.take(); p != nil; p = q.putters.take() {
		c.drop(p.waiting.(value))
		p.fail(ErrClosed)
	}
	q.end()
	c.done()
}

// ended reports whether nothing will come any more, if there is nothing now.
func (q *queueObject) ended() bool { return q.closed && len(q.deliveries) == 0 }

// end tells who waits for an item, if none will come any more.
func (q *queueObject) end() {
	if q.ended() {
		q.getters.end(ErrClosed)
	}
}

func (q *queueObject) cancel(c *call) {
	c.line.cancel(c)
	if c.method == queuePut {
		c.drop(c.waiting.(value))
		q.admit(c.garbage) // it may have been in the way of smaller ones
	}
}

func (q *queueObject) free() []value {
	garbage := append(q.items.free(), q.returned.free()...)
	for _, d := range q.deliveries {
		garbage = append(garbage, d.v)
	}
	clear(q.deliveries)
	for p := q.putters.first; p != nil; p = p.next {
		garbage = append(garbage, p.waiting.(value))
	}
	for _, l := range []*line{&q.getters, &q.putters, &q.joiners} {
		l.end(errGone)
	}
	return garbage
}
