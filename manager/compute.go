package manager

import (
	"bytes"
	"context"
	"slices"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/codec"
	"github.com/go-multiproc/mp/internal/remote"
)

// function appends a function of the program as an argument.
func function[In, Out any](r *request, fn *mp.Function[In, Out]) *request {
	sig, err := functionSignature(fn)
	if err != nil {
		if r.err == nil {
			r.err = err
		}
		return r
	}
	return r.text(fn.Name()).uint(sig)
}

// compute sends a request that replaces a value by what a function makes of it: of the value, and of what extra appends.
func compute[In, V any](ctx context.Context, r *request, fn *mp.Function[In, V], v codec.Codec[V], extra func(*request)) (V, error) {
	function(r, fn)
	if extra == nil {
		r.bytes(nil)
	} else {
		extra(r)
	}
	return get(ctx, r, v)
}

// A spot is where in an object a function replaces a value. What it consists of is called with the object's lock.
type spot struct {
	// read is the value, or an error if there is none.
	read func() (value, error)
	// write replaces it by v, which is the object's then, or garbage.
	write func(garbage *[]value, v value) error
}

// compareAndSwap replaces a value by the second argument if it is what the first one is, and answers whether it did.
func (c *call) compareAndSwap(now value, set func(v value)) {
	if !bytes.Equal(now.data, c.args.bytes()) {
		c.yes(false)
		return
	}
	v, err := c.takeLast()
	if err != nil {
		c.fail(err)
		return
	}
	set(v)
	c.yes(true)
}

// refuses answers a call whose message makes no sense, or whose function is not to be had, or reports that it does neither.
func (c *call) refuses(name string, sig uint64) bool {
	if c.malformed() {
		return true
	}
	err := checkFunction(name, sig)
	if err != nil {
		c.fail(err)
	}
	return err != nil
}

// compute replaces the value at a spot by what a function makes of it, and answers with that. The arguments are the function's name and
// signature, and what follows the value in its argument.
func (c *call) compute(at spot) {
	name, sig := string(c.args.bytes()), c.args.uint()
	extra := bytes.Clone(c.args.bytes())
	if c.refuses(name, sig) {
		return
	}
	c.run(func(ctx context.Context) {
		for c.computeOnce(ctx, at, name, extra) {
		}
	})
}

// computeOnce answers, unless the value is not any more what was read: then it is to be called again. Values are compared by where
// their bytes lie, for these never change.
func (c *call) computeOnce(ctx context.Context, at spot, name string, extra []byte) (again bool) {
	srv := c.s.srv
	var old value
	var next []byte
	err := errGone
	c.on.with(srv, func(*[]value) {
		if old, err = at.read(); err == nil {
			srv.lendRefs(old)
		}
	})
	size := int64(len(old.data) + len(extra))
	if err == nil {
		err = srv.put(size) // for the function's argument
	}
	if err == nil {
		next, err = remote.Functions.Run(ctx, name, slices.Concat(old.data, extra))
		srv.aside.Add(-size)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		c.fail(err)
		return false
	}
	there := c.on.with(srv, func(garbage *[]value) {
		now, err := at.read()
		if again = err == nil && !sameBytes(now.data, old.data); again {
			return
		}
		var v value
		if err == nil {
			v, err = srv.keep(next) // not before it is sure to be wanted, for it counts
		}
		if err == nil {
			err = at.write(garbage, v)
		}
		if err != nil {
			c.fail(err)
			return
		}
		c.value(v)
	})
	if !there {
		c.fail(errGone)
	}
	return again
}

// sameBytes reports whether two values are the same one.
func sameBytes(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// checkFunction reports a function that is not registered in the server, or has other types there.
func checkFunction(name string, sig uint64) error {
	s, ok := remote.Functions.Signature(name)
	return functionError(name, ok, hashText(s) == sig)
}
