//go:build linux

package mp_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// long reports whether the long forms of the tests are wanted.
func long() bool { return os.Getenv("MP_LONG") != "" }

var (
	nothing = mp.Func("nothing", func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil })
	not     = mp.Func("not", func(_ context.Context, b bool) (bool, error) { return !b, nil })
)

// W10: a long input and a slow consumer run in constant memory: what was pulled is never more than two windows ahead
// of what was taken, and the heap does not grow with the number of elements.
func TestStreamInConstantMemory(t *testing.T) {
	noLeaks(t)
	n, slow := 200_000, 2_000
	if long() {
		n = 2_000_000
	}
	const window = 1000
	pool := newPool(t, mp.PoolConfig{Workers: 2, Window: window})
	var pulled atomic.Int64
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var first uint64
	taken := 0
	for v, err := range square.Stream(ctx, pool, func(yield func(int) bool) {
		for i := range n {
			pulled.Add(1)
			if !yield(i) {
				return
			}
		}
	}) {
		if err != nil || v != taken*taken {
			t.Fatalf("element %d: %d, %v", taken, v, err)
		}
		taken++
		// A window is collected, and while the loop goes through it, the next is under way.
		if ahead := int(pulled.Load()) - taken; ahead > 2*window+1 {
			t.Fatalf("%d inputs were pulled ahead with a window of %d", ahead, window)
		}
		if taken%(n/slow) == 0 { // a consumer that takes its time
			for range 1000 {
				runtime.Gosched()
			}
		}
		switch taken {
		case n / 10:
			first = heap()
		case n - 1:
			if last := heap(); last > first+8<<20 {
				t.Errorf("the heap grew from %d to %d bytes", first, last)
			}
		}
	}
	if taken != n {
		t.Errorf("%d outcomes of %d", taken, n)
	}
}

// W41: one argument and one result of any size.
func TestHugeElement(t *testing.T) {
	noLeaks(t)
	size := 64 << 20
	if long() {
		size = 1 << 30
	}
	pool := newPool(t, mp.PoolConfig{Workers: 1, WindowBytes: 1 << 20})
	in := pattern(size)
	out, err := echo.Call(ctx, pool, in)
	if err != nil || !isPattern(out, size) {
		t.Fatalf("%d bytes, %v", len(out), err)
	}
	if v, err := square.Call(ctx, pool, 4); v != 16 || err != nil {
		t.Errorf("afterwards: %d, %v", v, err)
	}
}

// When the pool ends in the middle of an endless input, every input that was pulled yields an outcome, and no more are
// pulled while they are being taken.
func TestPoolEndsInsideAStream(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	var accepted atomic.Int64
	n, after := 0, 0
	for _, r := range square.Results(ctx, pool, func(yield func(int) bool) {
		for yield(1) {
			accepted.Add(1)
		}
	}, mp.Window(100)) {
		if n++; n == 1000 {
			if err := pool.Kill(); err != nil {
				t.Error(err)
			}
		}
		if r.Err != nil {
			if after++; !errors.Is(r.Err, mp.ErrClosed) {
				t.Fatal(r.Err)
			}
			for range 100 { // the input could go on meanwhile
				runtime.Gosched()
			}
		}
	}
	eventually(t, "the input has stopped", func() bool { return accepted.Load() >= int64(n)-1 })
	if a := int(accepted.Load()); a > n+1 || after > 100 {
		t.Errorf("%d inputs were pulled, %d outcomes yielded, %d of them after the end", a, n, after)
	}
}

// A loop body that panics ends the stream as a break does.
func TestPanicInTheLoopBody(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		released := make(chan struct{})
		func() {
			defer func() {
				if p := recover(); p != "body" {
					t.Errorf("recovered %v", p)
				}
			}()
			for range square.Results(ctx, x, func(yield func(int) bool) {
				defer close(released)
				for yield(1) {
				}
			}) {
				panic("body")
			}
		}()
		<-released
		if v, err := square.Call(ctx, x, 3); v != 9 || err != nil {
			t.Errorf("afterwards: %d, %v", v, err)
		}
	})
}

// An input that ends its goroutine, or panics with workers running, ends the loop: nothing hangs.
func TestInputThatGivesUp(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		for name, give := range map[string]func(){"Goexit": runtime.Goexit, "panic": func() { panic("input") }} {
			ended := make(chan any)
			n := 0
			go func() {
				var p any
				defer func() { p = recover(); ended <- p }()
				for _, err := range work.Stream(ctx, x, func(yield func(int) bool) {
					for i := range 20 {
						if i == 10 {
							give()
						}
						if !yield(200) {
							return
						}
					}
				}) {
					if err != nil {
						t.Error(err)
					}
					n++
				}
			}()
			if p := <-ended; n != 10 || name == "panic" && p != "input" || name == "Goexit" && p != nil {
				t.Errorf("%s: %v after %d elements", name, p, n)
			}
		}
	})
}

func TestSequencesAreSingleUse(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		again := func(name string, use func()) {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was used twice", name)
				}
			}()
			use()
			use()
		}
		results := square.Results(ctx, x, upTo(3))
		again("Results", func() {
			for range results {
			}
		})
		stream := square.Stream(ctx, x, upTo(3))
		again("Stream", func() {
			for range stream {
			}
		})
	})
}

// When the context ends, every input that was pulled has an outcome, and the loop ends, whatever the workers do.
func TestContextEndsStreams(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		for range 20 {
			c, cancel := context.WithTimeout(ctx, time.Millisecond)
			var pulled atomic.Int64
			n := 0
			for _, err := range work.Stream(c, x, func(yield func(int) bool) {
				for yield(10) {
					pulled.Add(1)
				}
			}) {
				if n++; err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Fatal(err)
				}
			}
			cancel()
			if p := int(pulled.Load()); n < p-1 || n > p+1 {
				t.Errorf("%d outcomes of %d inputs", n, p)
			}
		}
	})
}

// W28: observers of a map are told of each element once, and its failures as they are.
func TestObserve(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		var seen [100]atomic.Int64
		for range odd.Results(ctx, x, upTo(100), mp.Observe(func(e mp.Event) {
			if e.Kind != mp.EventFinish {
				return
			}
			seen[e.Index].Add(1)
			if e.Function != "odd" || (e.Err != nil) != (e.Index%2 == 1) {
				t.Errorf("%+v", e)
			}
		})) {
		}
		for i := range seen {
			if seen[i].Load() != 1 {
				t.Errorf("element %d was told %d times", i, seen[i].Load())
			}
		}
	})
}

// An input that panics just when the stream ends for another reason: the loop ends with either.
func TestInputPanicsAtTheEnd(t *testing.T) {
	x := mp.InProcess(1)
	for range 50 {
		ctx, cancel := context.WithCancel(ctx)
		in := func(yield func(int) bool) {
			yield(1)
			<-ctx.Done()
			panic("in")
		}
		func() {
			defer func() { _ = recover() }()
			for range square.Results(ctx, x, in) {
				cancel()
			}
		}()
		cancel()
	}
}
