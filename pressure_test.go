//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// swell returns so many bytes.
var swell = mp.Func("swell", func(_ context.Context, n int) ([]byte, error) { return make([]byte, n), nil })

func heapNow() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// numbered is Results or Stream, with the elements numbered.
func numbered(x mp.Executor, in iter.Seq[int], ordered bool, opts ...mp.MapOption) iter.Seq2[int, mp.Result[[]byte]] {
	if !ordered {
		return swell.Results(ctx, x, in, opts...)
	}
	return func(yield func(int, mp.Result[[]byte]) bool) {
		i := 0
		for v, err := range swell.Stream(ctx, x, in, opts...) {
			if !yield(i, mp.Result[[]byte]{Value: v, Err: err}) {
				return
			}
			i++
		}
	}
}

// W10: results that nobody takes are bounded in bytes, though the input has no end, and though elements that were tiny, of
// which thousands are on their way at a time, become large at once.
func TestUncollectedResultsAreBounded(t *testing.T) {
	noLeaks(t)
	const mib = 1 << 20
	for _, tiny := range []int{0, 100_000} {
		for _, ordered := range []bool{false, true} {
			pool := newPool(t, mp.PoolConfig{Workers: 2, WindowBytes: 16 * mib})
			var pulled atomic.Int64
			input := func(yield func(int) bool) {
				for i := 0; ; i++ {
					pulled.Add(1)
					if !yield(map[bool]int{true: mib}[i >= tiny]) {
						return
					}
				}
			}
			before, large := heapNow(), 0
			for _, r := range numbered(pool, input, ordered) {
				if r.Err != nil {
					t.Fatal(r.Err)
				}
				if len(r.Value) == 0 {
					continue
				}
				if large++; large == 100 {
					break
				}
				if large > 1 {
					continue
				}
				// Nothing more is taken, until nothing more moves.
				last, still := int64(-1), 0
				eventually(t, "nothing moves", func() bool {
					if now := pulled.Load(); pool.Stats().Running > 0 || now != last {
						last, still = now, 0
					}
					still++
					return still > 20
				})
				// One window that is being gone through, one that waits, and what was under way when that was full.
				if heap := heapNow() - before; heap > 64*mib {
					t.Errorf("%d tiny ones first, ordered %v: the heap grew by %d MiB", tiny, ordered, heap/mib)
				}
				if s := pool.Stats(); s.Queued > 2*4096+16 {
					t.Errorf("%+v", s)
				}
				if _, err := square.Call(ctx, pool, 3); err != nil { // others are not held up
					t.Error(err)
				}
			}
		}
	}
}

// A stream that is held again and again loses nothing and repeats nothing, whatever the sizes of its results, though workers die, and
// others use the pool.
func TestHeldStreamsAreWhole(t *testing.T) {
	noLeaks(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	n := 4000
	if testing.Short() {
		n = 500
	}
	sizes := make([]int, n)
	for i := range sizes {
		if sizes[i] = rng.IntN(100); rng.IntN(8) == 0 {
			sizes[i] = rng.IntN(60_000)
		}
	}
	pool := newPool(t, mp.PoolConfig{Workers: 3, WindowBytes: 64 << 10, Retries: 1000})
	for _, ordered := range []bool{false, true} {
		k := &killer{killed: make(map[int]bool)}
		seen := make([]bool, n)
		for i, r := range numbered(pool, slices.Values(sizes), ordered) {
			if r.Err != nil || len(r.Value) != sizes[i] || seen[i] {
				t.Fatalf("ordered %v: element %d: %d bytes, %v, seen %v", ordered, i, len(r.Value), r.Err, seen[i])
			}
			seen[i] = true
			if i%1000 == 500 {
				k.kill(pool, rng)
			}
			if i%50 == 0 {
				if _, err := square.Call(ctx, pool, i, mp.Retries(1000)); err != nil {
					t.Error(err)
				}
			}
		}
		if i := slices.Index(seen, false); i >= 0 {
			t.Fatalf("ordered %v: element %d has no outcome", ordered, i)
		}
	}
	if s := pool.Stats(); s.Queued != 0 || s.Running != 0 {
		t.Errorf("%+v", s)
	}
}

// A held stream ends as any other does: its loop is left, its context ends, the pool is killed, or interrupted.
func TestHeldStreamsEnd(t *testing.T) {
	noLeaks(t)
	for _, end := range []string{"break", "context", "kill", "interrupt"} {
		for _, ordered := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, ordered %v", end, ordered), func(t *testing.T) {
				pool := newPool(t, mp.PoolConfig{Workers: 2, WindowBytes: 1 << 20})
				in := func(yield func(int) bool) {
					for yield(100 << 10) {
					}
				}
				ctx, cancel := context.WithCancel(ctx)
				defer cancel()
				next, stop := iter.Pull2(func(yield func(int, error) bool) {
					if ordered {
						for v, err := range swell.Stream(ctx, pool, in) {
							if !yield(len(v), err) {
								return
							}
						}
						return
					}
					for _, r := range swell.Results(ctx, pool, in) {
						if !yield(len(r.Value), r.Err) {
							return
						}
					}
				})
				defer stop()
				next()
				eventually(t, "it is held", func() bool { s := pool.Stats(); return s.Running == 0 && s.Done > 10 })
				want := map[string]error{"context": context.Canceled, "kill": mp.ErrClosed, "interrupt": mp.ErrInterrupted}[end]
				switch end {
				case "break":
					return
				case "context":
					cancel()
				case "kill":
					_ = pool.Kill()
				case "interrupt":
					pool.Interrupt()
				}
				for {
					_, err, ok := next()
					if !ok {
						break
					}
					if err != nil && !errors.Is(err, want) {
						t.Errorf("%v, want %v", err, want)
					}
				}
			})
		}
	}
}

// W10: calls that nobody waits for: TryGo is refused and Go waits when the window is full, in elements or in bytes; the pool's
// counters and the heap stay where they are.
func TestCallsAreBounded(t *testing.T) {
	const mib = 1 << 20
	pool := newPool(t, mp.PoolConfig{Workers: 1, Window: 100, WindowBytes: 8 * mib})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	before, accepted := heapNow(), 0
	payload := make([]byte, mib)
	for range 10_000 {
		switch _, err := sleepy.TryGo(ctx, pool, payload); {
		case err == nil:
			accepted++
		case !errors.Is(err, mp.ErrFull):
			t.Fatal(err)
		}
	}
	if heap := heapNow() - before; accepted != 7 && accepted != 8 || heap > 32*mib { // an encoded megabyte is a little more than one
		t.Errorf("%d were accepted, the heap grew by %d MiB", accepted, heap/mib)
	}
	waiting := make(chan error)
	go func() {
		_, err := sleepy.Go(ctx, pool, payload).Wait(context.Background())
		waiting <- err
	}()
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// sleepy runs until its context ends.
var sleepy = mp.Func("sleepy", func(ctx context.Context, _ []byte) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
})
