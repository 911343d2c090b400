package manager

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
)

// objectCall is the only method of an object; which one of its class is meant, the arguments say.
const objectCall uint8 = 1

func init() { kinds[kindObject] = kind{name: "Object", make: newClassObject} }

// A classObject is a value of a class.
type classObject struct {
	class   *class
	value   any
	running sync.WaitGroup // methods

	// Of an exclusive class: who runs, and who waits for that.
	busy  bool
	queue []*call
}

// A methodCall is what waits of a call.
type methodCall struct {
	method *method
	arg    []byte
}

func newClassObject(c *call) (object, error) {
	name, sig := string(c.args.bytes()), c.args.uint()
	arg := bytes.Clone(c.args.bytes())
	if err := c.args.end(); err != nil {
		return nil, err
	}
	classes.Lock()
	k := classes.byName[name]
	classes.Unlock()
	switch {
	case k == nil:
		return nil, fmt.Errorf("mp/manager: class %q is not registered in the server", name)
	case k.sig != sig:
		return nil, fmt.Errorf("mp/manager: class %q is made of another type in the server", name)
	}
	kindSig := c.number
	c.run(func(ctx context.Context) {
		v, err := k.create(ctx, arg)
		if err == nil {
			err = ctx.Err() // nobody wants it any more
			if err != nil {
				closeValue(v)
			}
		}
		if err != nil {
			c.fail(err)
			return
		}
		c.made(kindObject, kindSig, &classObject{class: k, value: v})
	})
	return nil, nil //nolint:nilnil // it is made later
}

func (o *classObject) call(c *call) {
	name, sig := string(c.args.bytes()), c.args.uint()
	arg := bytes.Clone(c.args.bytes())
	if c.method != objectCall {
		c.unknown()
		return
	}
	if c.malformed() {
		return
	}
	classes.Lock()
	m := o.class.methods[name]
	classes.Unlock()
	switch {
	case m == nil:
		c.fail(fmt.Errorf("mp/manager: class %q has no method %q in the server", o.class.name, name))
	case m.sig != sig:
		c.fail(fmt.Errorf("mp/manager: method %q of class %q has other types in the server", name, o.class.name))
	case !o.class.exclusive:
		v := o.value
		o.running.Add(1)
		began := c.run(func(ctx context.Context) {
			defer o.running.Done()
			c.result(m.run(ctx, v, arg))
		})
		if !began {
			o.running.Done()
		}
	case o.busy:
		c.waiting = methodCall{m, arg}
		if c.keep() {
			o.queue = append(o.queue, c)
		}
	default:
		o.exclusively(c, methodCall{m, arg})
	}
}

// result answers a call whose result may refer to objects.
func (c *call) result(b []byte, err error) {
	if err != nil {
		c.fail(err)
		return
	}
	c.answer(statusOK, b)
}

// exclusively runs a method, and after it the next one that waits. Call it with the object's lock.
func (o *classObject) exclusively(c *call, m methodCall) {
	v, e, srv := o.value, c.on, c.s.srv
	o.busy = true
	o.running.Add(1)
	began := c.run(func(ctx context.Context) {
		defer o.running.Done()
		defer func() { e.with(srv, func(*[]value) { o.next() }) }()
		c.result(m.method.run(ctx, v, m.arg))
	})
	if !began {
		o.running.Done()
		o.next()
	}
}

// next runs the next method that waits.
func (o *classObject) next() {
	o.busy = false
	if len(o.queue) > 0 {
		c := o.queue[0]
		o.queue = o.queue[1:]
		o.exclusively(c, c.waiting.(methodCall))
	}
}

func (o *classObject) cancel(c *call) {
	if i := slices.Index(o.queue, c); i >= 0 {
		o.queue = slices.Delete(o.queue, i, i+1)
		c.fail(context.Canceled)
	}
}

func (o *classObject) leave(*session) {}

// free closes the value, when no method runs any more.
func (o *classObject) free() []value {
	for _, c := range o.queue {
		c.fail(errGone)
	}
	o.queue = nil
	go func() {
		o.running.Wait()
		closeValue(o.value)
	}()
	return nil
}

// closeValue closes what can be closed. A panic of it is nobody's.
func closeValue(v any) {
	defer func() { _ = recover() }() // there is nobody to tell
	if c, ok := v.(io.Closer); ok {
		_ = c.Close()
	}
}
