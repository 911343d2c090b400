package manager

import (
	"container/list"
	"context"
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

	getters, putters, joiners list.List // of *call
}

// A delivery is an item that a session has taken.
type delivery struct {
	s *session
	v value
}

// A waiter is what the queue has of a call that it keeps.
type waiter struct {
	at   *list.Element
	item value // of a put
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
			q.wait(c, &q.joiners, value{})
		}
	case queueClose:
		q.close(c)
	default:
		c.unknown()
	}
}

// wait keeps a call in a list.
func (q *queueObject) wait(c *call, calls *list.List, item value) {
	garbage := c.garbage
	if !c.keep() {
		*garbage = append(*garbage, item)
		return
	}
	c.waiting = waiter{calls.PushBack(c), item}
}

// first takes the first of the calls that wait in a list; nil if there is none.
func first(calls *list.List) *call {
	e := calls.Front()
	if e == nil {
		return nil
	}
	return calls.Remove(e).(*call)
}

func (q *queueObject) putItem(c *call) {
	v, err := c.takeLast()
	if err != nil {
		c.fail(err)
		return
	}
	switch {
	case q.closed:
		err = ErrClosed
	case q.putters.Len() == 0 && q.fits(v):
		q.add(c.garbage, v)
	case c.method == queuePut:
		q.wait(c, &q.putters, v)
		return
	default:
		err = shared.ErrFull
	}
	if err != nil {
		c.drop(v)
	}
	c.doneOr(err)
}

// fits reports whether there is room for an item. One that is too large is let in when there is no other.
func (q *queueObject) fits(v value) bool {
	n := len(q.items.values)
	return n == 0 || (q.capacity == 0 || n < q.capacity) && q.bytes+int64(len(v.data)) <= q.limit
}

// add puts an item, or gives it to who waits for one.
func (q *queueObject) add(garbage *[]value, v value) {
	q.put++
	if c := first(&q.getters); c != nil {
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
		q.wait(c, &q.getters, value{})
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
	for e := q.putters.Front(); e != nil; e = q.putters.Front() {
		c := e.Value.(*call)
		item := c.waiting.(waiter).item
		if !q.fits(item) {
			return
		}
		q.putters.Remove(e)
		q.add(garbage, item)
		c.done()
	}
}

func (q *queueObject) taskDone(c *call) {
	if q.done == q.put {
		c.fail(fmt.Errorf("%w: TaskDone was called for every item", shared.ErrBound))
		return
	}
	if q.done++; q.done == q.put {
		for j := first(&q.joiners); j != nil; j = first(&q.joiners) {
			j.done()
		}
	}
	c.done()
}

func (q *queueObject) close(c *call) {
	q.closed = true
	for p := first(&q.putters); p != nil; p = first(&q.putters) {
		c.drop(p.waiting.(waiter).item)
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
		for g := first(&q.getters); g != nil; g = first(&q.getters) {
			g.fail(ErrClosed)
		}
	}
}

func (q *queueObject) cancel(c *call) {
	w := c.waiting.(waiter)
	switch c.method {
	case queuePut:
		q.putters.Remove(w.at)
		c.drop(w.item)
		q.admit(c.garbage) // it may have been in the way of smaller ones
	case queueJoin:
		q.joiners.Remove(w.at)
	default:
		q.getters.Remove(w.at)
	}
	c.fail(context.Canceled)
}

func (q *queueObject) free() []value {
	garbage := append(q.items.free(), q.returned.free()...)
	for _, d := range q.deliveries {
		garbage = append(garbage, d.v)
	}
	clear(q.deliveries)
	for _, calls := range []*list.List{&q.getters, &q.putters, &q.joiners} {
		for c := first(calls); c != nil; c = first(calls) {
			garbage = append(garbage, c.waiting.(waiter).item)
			c.fail(errGone)
		}
	}
	return garbage
}
