//go:build rivals

package main

import (
	"bytes"
	"fmt"
	"time"

	"github.com/go-multiproc/mp"
)

func openRivalsCall(r *runner) (*bench, error) {
	pool, err := newPool(workers)
	if err != nil {
		return nil, err
	}
	var all []*remote
	closeAll := func() { closing(pool)(); closeRemotes(all) }
	sides := callSides(r, "ours", pooled{pool})
	for _, rival := range rpcNames {
		remotes, err := openRemotes(rival, 1)
		if err != nil {
			closeAll()
			return nil, err
		}
		all = append(all, remotes...)
		sides = append(sides, callSides(r, rival, remotes[0])...)
	}
	sides = append(sides,
		pythonSide("Pool.apply", "apply_int", workers, r.n(2_000)),
		pythonSide("Pool.apply of a struct", "apply_struct", workers, r.n(2_000)),
		pythonSide("Pool.apply of 64 KiB", "apply_bytes", workers, r.n(1_000), 64<<10),
		pythonSide("Pool.apply of 1 MiB", "apply_bytes", workers, r.n(100), megabyte))
	return &bench{sides: sides, close: closeAll}, nil
}

// pooled is the service by a pool of ours.
type pooled struct{ pool *mp.Pool }

func (p pooled) Noop(x int) (int, error)        { return noopMP.Call(ctx, p.pool, x) }
func (p pooled) Burn(steps int) (uint64, error) { return burnMP.Call(ctx, p.pool, steps) }
func (p pooled) Return(v small) (small, error)  { return returnMP.Call(ctx, p.pool, v) }
func (p pooled) Echo(b []byte) ([]byte, error)  { return echo.Call(ctx, p.pool, b) }
func (p pooled) Die(x int) (int, error)         { return dieMP.Call(ctx, p.pool, x) }

// callSides are the sides of one rival: what is called with what.
func callSides(r *runner, name string, s service) []side {
	same := func(a, b int) bool { return a == b }
	sameStruct := func(a, b small) bool { return a == b }
	return []side{
		callSide(name, r.n(5_000), func(i int) int { return i }, s.Noop, same),
		callSide(name+ofStruct, r.n(5_000), smallOf, s.Return, sameStruct),
		callSide(name+of64KiB, r.n(1_000), buffers(64<<10), s.Echo, bytes.Equal),
		callSide(name+of1MiB, r.n(100), buffers(megabyte), s.Echo, bytes.Equal),
	}
}

func smallOf(i int) small {
	return small{ID: int64(i), Name: "a name of some length", Score: float64(i) / 3, Tags: [4]uint16{1, 2, 3, uint16(i)}, OK: i%2 == 0}
}

// buffers returns one of four that differ.
func buffers(size int) func(i int) []byte {
	var all [4][]byte
	for i := range all {
		all[i] = bytes.Repeat([]byte{byte(i + 1)}, size)
	}
	return func(i int) []byte { return all[i%len(all)] }
}

// callSide is a side that times one call after another, and checks that each gives back what it got.
func callSide[T any](name string, n int, value func(i int) T, call func(T) (T, error), same func(a, b T) bool) side {
	return side{name, func() (figures, error) {
		times := make(latencies, 0, n)
		for i := range n/10 + n {
			in := value(i)
			begin := time.Now()
			out, err := call(in)
			if i >= n/10 { // the others warm up
				times.since(begin)
			}
			switch {
			case err != nil:
				return nil, err
			case !same(in, out):
				return nil, fmt.Errorf("%s: %w", name, errWrong)
			}
		}
		return times.figures(name), nil
	}}
}
