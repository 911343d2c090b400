package main

import (
	"iter"
	"time"
)

const megabyte = 1 << 20

var messageGroup = group{
	name:  "message",
	about: "messages of 1 MiB to one worker, beside copying as much memory",
	open: func(r *runner) (*bench, error) {
		pool, err := newPool(1)
		if err != nil {
			return nil, err
		}
		data := make([]byte, megabyte)
		for i := range data {
			data[i] = byte(i * 7)
		}
		n := r.n(400)
		sides := []side{
			moving("one way", n, 1, func(n int) error {
				for v, err := range size.Stream(ctx, pool, again(data, n)) {
					if err == nil && v != len(data) {
						err = errWrong
					}
					if err != nil {
						return err
					}
				}
				return nil
			}),
			moving("echo", n, 2, func(n int) error {
				for range n {
					out, err := echo.Call(ctx, pool, data)
					if err != nil {
						return err
					}
					if len(out) != len(data) || out[len(out)-1] != data[len(data)-1] {
						return errWrong
					}
				}
				return nil
			}),
			moving("memcpy", 10*n, 1, func(n int) error {
				to := make([]byte, megabyte)
				for range n {
					copy(to, data)
				}
				if to[len(to)-1] != data[len(data)-1] {
					return errWrong
				}
				return nil
			}),
			moving("memcpy to new memory", n, 1, func(n int) error {
				for range n {
					fresh = append([]byte(nil), data...)
				}
				return nil
			}),
		}
		return &bench{sides: sides, close: closing(pool)}, nil
	},
	lines: []line{
		{what: "1 MiB messages, one way (Stream, 1 worker), vs memcpy into the same buffer", ours: "one way", rival: "memcpy",
			unit: bandwidth, sense: speedup, atLeast: 0.25, stretch: 0.35},
		{what: "... there and back (Call of an echo; both ways count), likewise", ours: "echo", rival: "memcpy",
			unit: bandwidth, sense: speedup, atLeast: 0.25, stretch: 0.35},
		{what: "... one way, vs memcpy into a new slice each, as a receiver needs", ours: "one way", rival: "memcpy to new memory",
			unit: bandwidth, sense: speedup},
	},
}

// fresh keeps the compiler from keeping a copy off the heap.
var fresh []byte

// moving is a side that moves n megabytes, each several times, and tells how many bytes a second that were.
func moving(name string, n, times int, run func(n int) error) side {
	return side{name, func() (figures, error) {
		if err := run(max(1, n/10)); err != nil {
			return nil, err
		}
		begin := time.Now()
		if err := run(n); err != nil {
			return nil, err
		}
		return figures{name: rate(n*times*megabyte, begin)}, nil
	}}
}

// again yields v n times.
func again[T any](v T, n int) iter.Seq[T] {
	return func(yield func(T) bool) {
		for range n {
			if !yield(v) {
				return
			}
		}
	}
}
