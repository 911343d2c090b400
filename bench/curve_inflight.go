package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// roleInFlight prints what elements take that are accepted and not yet collected.
const roleInFlight = "@in-flight"

// The kinds of elements in flight.
const (
	flyingInts = iota
	flyingArrays
	flyingCalls
)

var inFlightCurve = group{
	name:   "curve-in-flight",
	about:  "memory of the parent for each element that is accepted and not collected: results that wait in a Stream, calls that wait for a worker",
	apart:  true,
	rounds: 3,
	open: func(r *runner) (*bench, error) {
		var sides []side
		for _, n := range r.growing(100, 10, 1_000_000) {
			for kind, name := range []string{"ints", "arrays", "calls"} {
				sides = append(sides, side{at(name, n), func() (figures, error) { return inRole(n, roleInFlight, n, kind) }})
			}
			if n <= 100_000 { // its queue takes long
				sides = append(sides, pythonCurve("Pool.apply_async", n, "in_flight", n))
			}
		}
		return &bench{sides: sides}, nil
	},
	charts: []chart{{
		file: "in-flight", title: "Elements in flight: memory of the parent for each",
		x: axis{label: "elements in flight (Window)", unit: count}, y: axis{label: "bytes / element", unit: byteCount, binary: true},
		series: []series{
			{"mp, Stream, int: heap", "ints heap", oursMain},
			{"mp, Stream, int: growth of PSS", "ints pss", oursToo},
			{"mp, Stream, shared.Array: heap", "arrays heap", oursThird},
			{"mp, Go: heap", "calls heap", oursFourth},
			{"Python apply_async: growth of PSS", "python pss", pythonKind},
		},
	}},
}

var (
	holdFirst = mp.Func("holdFirst", func(ctx context.Context, gate *shared.Event) (int, error) { return 0, gate.Wait(ctx) })

	takeArray = mp.Func("takeArray", func(_ context.Context, a *shared.Array[byte]) (int, error) { return a.Len(), nil })
)

// inFlight is the role: n elements of that kind are in flight, and no more are taken in.
func inFlight(n, kind int) (figures, error) {
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1, Window: n + 1})
	if err != nil {
		return nil, err
	}
	defer closing(pool)()
	a, err := shared.NewArray[byte](1 << 20)
	if err != nil {
		return nil, err
	}
	defer free(a)
	name := ""
	var fly func(meanwhile func() error) error
	switch kind {
	case flyingInts:
		name = "ints"
		fly = func(meanwhile func() error) error {
			return streaming(pool, noopMP, n, func(i int) int { return i }, meanwhile)
		}
	case flyingArrays:
		name = "arrays"
		fly = func(meanwhile func() error) error {
			return streaming(pool, takeArray, n, func(int) *shared.Array[byte] { return a }, meanwhile)
		}
	default:
		name = "calls"
		fly = func(meanwhile func() error) error { return calling(pool, n, meanwhile) }
	}
	before, heapBefore, err := memoryNow()
	if err != nil {
		return nil, err
	}
	f := make(figures)
	err = fly(func() error {
		after, heap, err := memoryNow()
		f[name+" pss"] = max(0, (after-before)/float64(n))
		f[name+" heap"] = max(0, (heap-heapBefore)/float64(n))
		return err
	})
	return f, err
}

// memoryNow is what this process and its heap take, without garbage.
func memoryNow() (pss, heap float64, err error) {
	own, err := collected()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return own.pss, float64(m.HeapAlloc), err
}

// streaming has n results wait that nobody takes, while meanwhile runs.
func streaming[In any](pool *mp.Pool, f *mp.Function[In, int], n int, element func(int) In, meanwhile func() error) error {
	done := pool.Stats().Done
	in := func(yield func(In) bool) {
		for i := range n {
			if !yield(element(i)) {
				return
			}
		}
	}
	first := true
	for _, err := range f.Stream(ctx, pool, in, mp.Window(n)) {
		if err != nil {
			return err
		}
		if !first {
			continue
		}
		first = false
		if err := until(func() bool { return pool.Stats().Done-done == int64(n) }); err != nil {
			return err
		}
		if err := meanwhile(); err != nil {
			return err
		}
	}
	return nil
}

// calling has n calls wait behind one that does not end, while meanwhile runs.
func calling(pool *mp.Pool, n int, meanwhile func() error) error {
	gate, err := shared.NewEvent()
	if err != nil {
		return err
	}
	defer free(gate)
	first := holdFirst.Go(ctx, pool, gate)
	all := make([]*mp.Future[int], n)
	for i := range all {
		all[i] = noopMP.Go(ctx, pool, i)
	}
	if err := meanwhile(); err != nil {
		return err
	}
	if err := gate.Set(); err != nil {
		return err
	}
	_, err = first.Wait(ctx)
	for i, one := range all {
		v, e := one.Wait(ctx)
		if e == nil && v != i {
			e = errWrong
		}
		err = errors.Join(err, e)
	}
	return err
}

// until waits for what no channel tells.
func until(is func() bool) error {
	for range 60_000 {
		if is() {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("what was waited for has not come: %w", context.DeadlineExceeded)
}
