package manager

import (
	"encoding/binary"
	"maps"
	"slices"
)

// give answers a call that gets or takes with an item.
func (q *queueObject) give(garbage *[]value, c *call, v value) {
	if c.method == queueGet || c.method == queueTryGet {
		c.value(v)
		*garbage = append(*garbage, v)
		return
	}
	q.last++
	q.deliveries[q.last] = delivery{c.s, v}
	q.srv.lendRefs(v)
	c.answer(statusOK, append(binary.AppendUvarint(nil, q.last), v.data...))
}

// settle acknowledges a delivery, or returns it.
func (q *queueObject) settle(c *call) {
	id := c.args.uint()
	d, ok := q.deliveries[id]
	switch {
	case c.args.bad:
		c.fail(errMessage)
		return
	case !ok || d.s != c.s:
		c.fail(ErrClosed)
		return
	}
	delete(q.deliveries, id)
	if c.method == queueAck {
		c.drop(d.v)
		q.end()
	} else {
		q.giveBack(c.garbage, d.v)
	}
	c.done()
}

// giveBack makes an item the next one, or gives it to who waits for one.
func (q *queueObject) giveBack(garbage *[]value, v value) {
	if c := q.getters.take(); c != nil {
		q.give(garbage, c, v)
	} else {
		q.returned.push(v)
	}
}

// ungot gives back what came to a caller who had left. It was in the queue before: no limit keeps it out.
func (q *queueObject) ungot(c *call) {
	b := c.args.left
	q.srv.bytes.Add(int64(len(b)) + valueOverhead)
	q.giveBack(c.garbage, q.srv.copy(b))
	c.done()
}

// leave gives back what the session has taken, that the first is the next again.
func (q *queueObject) leave(s *session) {
	var garbage []value
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(q.deliveries))) {
		if d := q.deliveries[id]; d.s == s {
			delete(q.deliveries, id)
			q.giveBack(&garbage, d.v)
		}
	}
	if len(garbage) > 0 {
		go q.srv.drop(garbage) // which locks others
	}
}
