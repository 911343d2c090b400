//go:build linux

package mp_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
)

// F077: what has not begun goes by priority, also if it was handed to the worker already; what runs is left alone.
func TestSchedPriorityOrder(t *testing.T) {
	crowds(t, 1, func(t *testing.T, x mp.Executor) {
		p := newSchedPlay(t, x)
		all := []*mp.Future[schedAt]{p.hold("first")}
		for i, priority := range []int{0, 0, -1, 0, 5, -3, 5, 1} {
			all = append(all, p.start(fmt.Sprintf("%d.%d", priority, i), mp.Priority(priority)))
		}
		p.letGo("first")
		p.end(all...)
		p.expect("first 5.4 5.6 1.7 0.0 0.1 0.3 -1.2 -3.5")
	})
}

// A map in large chunks, which the worker has already, is overtaken in the middle by a call that is more urgent, and
// holds up one of its own priority for no more than the element that runs.
func TestSchedCallOvertakesMap(t *testing.T) {
	for _, priority := range []int{0, 1} {
		crowds(t, 1, func(t *testing.T, x mp.Executor) {
			p := newSchedPlay(t, x)
			in := []schedStep{{p.dir, "m0", true}}
			want := []string{"m0", "call"}
			for i := range 49 {
				in = append(in, p.step(fmt.Sprint("m", i+1)))
				want = append(want, in[i+1].Name)
			}
			done := make(chan error)
			go func() {
				_, err := schedRun.Map(ctx, x, in, mp.ChunkSize(50))
				done <- err
			}()
			p.await("m0")
			call := p.start("call", mp.Priority(priority))
			p.letGo("m0")
			p.end(call)
			if err := <-done; err != nil {
				t.Error(err)
			}
			p.expect(strings.Join(want, " "))
		})
	}
}

// Whichever worker is free first gets what is most urgent, though another had it ahead.
func TestSchedPriorityGoesToWhoIsFreeFirst(t *testing.T) {
	for _, free := range []string{"a", "b"} {
		crowds(t, 2, func(t *testing.T, x mp.Executor) {
			p := newSchedPlay(t, x)
			all := []*mp.Future[schedAt]{p.hold("a"), p.hold("b")}
			for i := range 6 {
				all = append(all, p.start(fmt.Sprint("low", i)))
			}
			all = append(all, p.start("high", mp.Priority(1)))
			p.letGo(free)
			p.await("high")
			if o := p.order(); o[2] != "high" {
				t.Errorf("they began in the order %v", o)
			}
			p.letGo("a")
			p.letGo("b")
			p.end(all...)
		})
	}
}

// Streams and maps have priorities, too.
func TestSchedPriorityOfMaps(t *testing.T) {
	crowds(t, 1, func(t *testing.T, x mp.Executor) {
		p := newSchedPlay(t, x)
		first := p.hold("first")
		low := p.start("low")
		errs := make(chan error)
		go func() {
			_, err := schedRun.Map(ctx, x, []schedStep{p.step("map1"), p.step("map2")}, mp.Priority(2))
			errs <- err
		}()
		go func() {
			for _, err := range schedRun.Stream(ctx, x, func(yield func(schedStep) bool) { yield(p.step("stream")) }, mp.Priority(3)) {
				errs <- err
			}
		}()
		if pool, ok := x.(*mp.Pool); ok {
			eventually(t, "all is accepted", func() bool { return pool.Stats().Queued == 4 })
			defer p.expect("first stream map1 map2 low last")
		}
		last := p.start("last", mp.Priority(-1)) // now nothing is on its way
		p.letGo("first")
		for range 2 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		p.end(first, low, last)
	})
}
