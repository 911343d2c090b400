//go:build linux

package mp_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// turnstile counts, in each worker, the elements that it runs.
var turnstile *shared.Value[int64]

var setTurnstile = mp.Func("endure.setTurnstile", func(_ context.Context, v *shared.Value[int64]) (int, error) {
	turnstile = v
	return 0, nil
})

// scattered is a number that shows whose result it is.
func scattered(x uint64) uint64 {
	x ^= x >> 31
	x *= 0x9e3779b97f4a7c15
	return x ^ x>>29
}

var scatter = mp.Func("endure.scatter", func(_ context.Context, x uint64) (uint64, error) {
	shared.Add(turnstile, 1)
	return scattered(x), nil
})

// soakWays are the ways for elements to come, and how many of a thousand elements come that way.
var soakWays = []struct {
	name  string
	share int
	run   func(*soak, []uint64)
}{
	{"Map", 500, func(s *soak, in []uint64) { s.whole(in) }},
	{"Stream", 200, (*soak).stream},
	{"Results", 200, (*soak).results},
	{"ChunkSize(1)", 98, func(s *soak, in []uint64) { s.whole(in, mp.ChunkSize(1)) }},
	{"Call", 2, (*soak).calls},
}

// A soak is elements by the million through one pool.
type soak struct {
	t     *testing.T
	pool  *mp.Pool
	right atomic.Int64 // outcomes that were the ones expected
}

func (s *soak) check(x, out uint64, err error) {
	if err != nil || out != scattered(x) {
		s.t.Errorf("element %d: %d, %v; want %d", x, out, err, scattered(x))
		return
	}
	s.right.Add(1)
}

func (s *soak) whole(in []uint64, opts ...mp.MapOption) {
	out, err := scatter.Map(ctx, s.pool, in, opts...)
	if err != nil || len(out) != len(in) {
		s.t.Errorf("a map of %d elements: %d, %v", len(in), len(out), err)
		return
	}
	for i, x := range in {
		s.check(x, out[i], nil)
	}
}

func (s *soak) stream(in []uint64) {
	n := 0
	for out, err := range scatter.Stream(ctx, s.pool, slices.Values(in)) {
		s.check(in[n], out, err)
		n++
	}
	if n != len(in) {
		s.t.Errorf("a stream of %d elements had %d outcomes", len(in), n)
	}
}

func (s *soak) results(in []uint64) {
	seen := make([]bool, len(in))
	for i, r := range scatter.Results(ctx, s.pool, slices.Values(in)) {
		if seen[i] {
			s.t.Errorf("element %d has two outcomes", in[i])
		}
		seen[i] = true
		s.check(in[i], r.Value, r.Err)
	}
	if i := slices.Index(seen, false); i >= 0 {
		s.t.Errorf("element %d has no outcome", in[i])
	}
}

func (s *soak) calls(in []uint64) {
	for _, x := range in {
		out, err := scatter.Call(ctx, s.pool, x)
		s.check(x, out, err)
	}
}

// TestEnduranceSoak: MP_SOAK elements (50,000 if it is not set) go through one pool, in all ways at a time. Each has its own result, was run
// once, and in the end parent and workers weigh what they did after the first of them.
func TestEnduranceSoak(t *testing.T) {
	noLeaks(t)
	want := enduring("MP_SOAK", 50_000)
	count, err := shared.NewValue(int64(0))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = count.Free() }()
	s := &soak{t: t, pool: newPool(t, mp.PoolConfig{Workers: 2, Init: setTurnstile.With(count)})}
	// Rounds large enough for batches to grow, and the first of them, two of hundred or one of five, to warm up.
	round := max(1000, min(500_000, want/5/1000*1000))
	var before weight
	workers := make(map[int]int64)
	began, told, sent := time.Now(), 0, 0
	for n := 0; sent < want && !t.Failed(); n++ {
		var ways sync.WaitGroup
		for _, way := range soakWays {
			in := make([]uint64, round/1000*way.share)
			for i := range in {
				in[i] = uint64(sent)
				sent++
			}
			ways.Go(func() { way.run(s, in) })
		}
		ways.Wait()
		if before.heap == 0 && (n == 1 || sent >= want/4) {
			before = scales(t)
			for _, w := range s.pool.Workers() {
				workers[w.PID] = residentSet(t, w.PID)
			}
		}
		if sent-told >= 2_500_000 {
			told = sent
			t.Logf("%d elements after %v: %v", sent, time.Since(began).Round(time.Second), scales(t))
		}
	}
	t.Logf("%d elements in %v", sent, time.Since(began).Round(time.Millisecond))
	if ran := count.Load(); s.right.Load() != int64(sent) || ran != int64(sent) {
		t.Errorf("of %d elements %d had the right outcome, and %d were run", sent, s.right.Load(), ran)
	}
	eventually(t, "all is counted", func() bool { return s.pool.Stats().Done == int64(sent) })
	if st := s.pool.Stats(); st.Accepted != int64(sent) || st.Failed+st.Retried+st.Cancelled != 0 || st.Restarts != 0 {
		t.Errorf("%+v", st)
	}
	for _, w := range s.pool.Workers() {
		was, now := workers[w.PID], residentSet(t, w.PID)
		t.Logf("worker %d: RSS %.1f MiB after the warm-up, %.1f at the end", w.Index, mib(was), mib(now))
		if was == 0 || now-was > rssGrowth {
			t.Errorf("worker %d grew from %.1f to %.1f MiB, or is another", w.Index, mib(was), mib(now))
		}
	}
	grown(t, before)
}
