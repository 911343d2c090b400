package manager

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime/debug"

	"github.com/go-multiproc/mp/internal/remote"
)

// A call is a request that the server carries out. Until it is kept it belongs to its session's goroutine, and its arguments lie in
// the session's buffer: what outlasts the call of the object copies them.
type call struct {
	s      *session
	id     uint32
	method uint8
	number uint64 // of the object, or what stands in its place
	args   reader
	size   int64  // of those that it does not keep as values: they count against MaxBytes while it is kept, for they were copied
	on     *entry // nil for what is no object's

	garbage *[]value // where the object puts what it lets go of, while it is called

	kept    bool               // it is in the session's list, and answered later
	stop    context.CancelFunc // guarded by the session's lock: of a call that runs
	waiting any                // the object's, of a call that it keeps

	line         *line // in which it waits, guarded by the object's lock
	before, next *call // there
}

// keep makes a call one that is answered later. Its arguments are gone then. It reports false, and has answered, if its session has too many.
func (c *call) keep() bool {
	c.args = reader{}
	c.garbage = nil
	return c.s.keep(c, nil)
}

// run has fn called on a goroutine of its own, without locks, with a context that ends with the caller's or its session. fn
// answers c, once; if it panics, that is the answer. What fn needs of the arguments it copied before. c may be one that was kept.
// It reports false, and has answered, if the call can't run.
func (c *call) run(fn func(ctx context.Context)) bool {
	ctx, stop := context.WithCancel(c.s.ctx)
	c.args = reader{}
	c.garbage = nil
	if !c.s.keep(c, stop) {
		stop()
		return false
	}
	c.s.srv.running.Add(1)
	go func() {
		returned := false
		defer func() {
			stop()
			c.s.srv.running.Add(-1)
			if v := recover(); v != nil {
				c.fail(remote.Functions.Panic(v, string(debug.Stack())))
			} else if !returned {
				c.fail(remote.Functions.Panic("runtime.Goexit", ""))
			}
		}()
		fn(ctx)
		returned = true
	}()
	return true
}

// drop lets go of values, after the object is unlocked.
func (c *call) drop(values ...value) { *c.garbage = append(*c.garbage, values...) }

// take is an argument that is to be kept.
func (c *call) take() (value, error) {
	before := len(c.args.left)
	b := c.args.bytes()
	if c.args.bad {
		return value{}, errMessage
	}
	c.size -= int64(before - len(c.args.left))
	return c.s.srv.keep(b)
}

// takeLast is take for the last argument: nothing may follow.
func (c *call) takeLast() (value, error) {
	v, err := c.take()
	if err == nil {
		if err = c.args.end(); err != nil {
			c.drop(v)
		}
	}
	return v, err
}

// takeAll is a count and so many arguments that are to be kept, the last ones: all, or none.
func (c *call) takeAll() ([]value, error) {
	var values []value
	for range c.args.count() {
		v, err := c.take()
		if err != nil {
			c.drop(values...)
			return nil, err
		}
		values = append(values, v)
	}
	if err := c.args.end(); err != nil {
		c.drop(values...)
		return nil, err
	}
	return values, nil
}

// An answer is one of these; the first counts.

func (c *call) done() { c.answer(statusOK, nil) }

func (c *call) fail(err error) {
	status, body := statusOf(err)
	c.answer(status, body)
}

// doneOr is done, or fail if there is an error.
func (c *call) doneOr(err error) {
	if err != nil {
		c.fail(err)
		return
	}
	c.done()
}

func (c *call) yes(b bool) {
	n := byte(0)
	if b {
		n = 1
	}
	c.answer(statusOK, []byte{n})
}

func (c *call) int(n int) {
	var b [binary.MaxVarintLen64]byte
	c.answer(statusOK, b[:binary.PutVarint(b[:], int64(n))])
}

// value answers with a value, and lends what it refers to.
func (c *call) value(v value) {
	c.s.srv.lendRefs(v)
	c.answer(statusOK, v.data)
}

// answer may be called with the object's lock, for it does not wait.
func (c *call) answer(status uint8, body []byte) {
	if c.kept && !c.s.unkeep(c) {
		return // it was answered
	}
	c.s.answer(c.id, status, body)
}

// bad answers a call whose message makes no sense, or reports that it does.
func (c *call) malformed() bool {
	if err := c.args.end(); err != nil {
		c.fail(err)
		return true
	}
	return false
}

// unknown answers a call of a method that its object has not.
func (c *call) unknown() {
	c.fail(fmt.Errorf("mp/manager: a %s has no method %d", kinds[c.on.kind].name, c.method))
}
