package manager

import (
	"context"
	"iter"
)

// pages are the items of a snapshot that r asks for, each read by item. The loop ends after an error.
func pages[T any](ctx context.Context, r *request, item func(*reader) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		var id uint64 // of the snapshot, 0 if there is nothing more
		c := r.c
		r.page = true
		defer func() { c.endSnapshot(id) }()
		for {
			err := r.send(ctx)
			if err != nil {
				r.done()
				yield(zero, err)
				return
			}
			a := r.answer()
			id = a.uint()
			for range a.count() {
				v, err := item(&a)
				if a.bad {
					err = errMessage
				}
				if !yield(v, err) || err != nil {
					r.done()
					return
				}
			}
			r.done()
			switch {
			case a.bad:
				yield(zero, errMessage)
				return
			case id == 0:
				return
			}
			r = c.ask(opNext, 0, id)
		}
	}
}

// endSnapshot tells the server that no further page is wanted.
func (c *client) endSnapshot(id uint64) {
	if id != 0 {
		c.control.add(header(nil, 0, opEnd, 0, id))
		c.settleIfUp()
	}
}

// collect is what a sequence has.
func collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	all := []T{}
	for v, err := range seq {
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}
