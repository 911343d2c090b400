package main

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"slices"
	"time"

	"github.com/go-multiproc/mp"
)

// Ours is the whole way of a value: encoded, sent, decoded in the worker, and an int sent back. Gob's is the encoding and the
// decoding alone, in this process. Nothing else can be seen from outside the module; internal/codec has benchmarks of its own.
var codecGroup = group{
	name:  "codec",
	about: "values sent to one worker, beside encoding and decoding them by gob, sent nowhere",
	open: func(r *runner) (*bench, error) {
		pool, err := newPool(1)
		if err != nil {
			return nil, err
		}
		floats := make([]float64, 1_000_000)
		for i := range floats {
			floats[i] = float64(i) * 1.1
		}
		table := make(map[string]int)
		for i := range 1000 {
			table[fmt.Sprintf("key-%04d", i)] = i
		}
		one := small{ID: 42, Name: "a name of some length", Score: 3.25, Tags: [4]uint16{1, 2, 3, 4}, OK: true}

		sides := slices.Concat(
			values(pool, "struct", takeSmall, one, len(one.Name), r.n(100_000), r.n(3_000)),
			values(pool, "floats", takeFloats, floats, len(floats), r.n(20), r.n(4)),
			values(pool, "map", takeMap, table, len(table), r.n(1_000), r.n(100)))
		return &bench{sides: sides, close: closing(pool)}, nil
	},
	lines: []line{
		{what: "small struct, sent (Map) and decoded, vs gob in one stream, not sent", ours: "struct", rival: "struct gob", unit: seconds, sense: timesUp},
		{what: "... vs gob per message", ours: "struct", rival: "struct gob each", unit: seconds, sense: timesUp},
		{what: "[]float64 of 1,000,000, likewise in one stream", ours: "floats", rival: "floats gob", unit: seconds, sense: timesUp},
		{what: "... vs gob per message", ours: "floats", rival: "floats gob each", unit: seconds, sense: timesUp},
		{what: "map[string]int of 1,000, likewise in one stream", ours: "map", rival: "map gob", unit: seconds, sense: timesUp},
		{what: "... vs gob per message", ours: "map", rival: "map gob each", unit: seconds, sense: timesUp},
	},
}

// values are the sides for one kind of value: n of them sent, few of them encoded by gob.
func values[T any](pool *mp.Pool, name string, take *mp.Function[T, int], v T, want, n, few int) []side {
	in := slices.Repeat([]T{v}, n)
	return []side{
		{name, func() (figures, error) {
			begin := time.Now()
			out, err := take.Map(ctx, pool, in)
			took := time.Since(begin)
			if err == nil && slices.ContainsFunc(out, func(got int) bool { return got != want }) {
				err = errWrong
			}
			return figures{name: took.Seconds() / float64(n)}, err
		}},
		{name + " gob", func() (figures, error) {
			var stream bytes.Buffer
			encoder, decoder := gob.NewEncoder(&stream), gob.NewDecoder(&stream)
			return gobbing(name+" gob", few, func() error {
				var got T
				if err := encoder.Encode(v); err != nil {
					return err
				}
				return decoder.Decode(&got)
			})
		}},
		{name + " gob each", func() (figures, error) {
			return gobbing(name+" gob each", few, func() error {
				var message bytes.Buffer
				var got T
				if err := gob.NewEncoder(&message).Encode(v); err != nil {
					return err
				}
				return gob.NewDecoder(&message).Decode(&got)
			})
		}},
	}
}

func gobbing(name string, n int, once func() error) (figures, error) {
	if err := once(); err != nil { // sends the type and compiles for it
		return nil, err
	}
	begin := time.Now()
	for range n {
		if err := once(); err != nil {
			return nil, err
		}
	}
	return figures{name: time.Since(begin).Seconds() / float64(n)}, nil
}
