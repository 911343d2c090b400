//go:build linux

package mp_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp"
)

// chaosLoads are what goes on in a season, all at the same time.
var chaosLoads = []func(*season, *rand.Rand){
	(*season).maps, (*season).results, (*season).streams, (*season).calls, (*season).futures, (*season).leases,
}

// options are those of a round that is a map.
func (r *round) options(rng *rand.Rand) []mp.MapOption {
	opts := []mp.MapOption{mp.Timeout(r.timeout), mp.Retries(r.retries)}
	if rng.IntN(4) == 0 {
		opts = append(opts, mp.ChunkSize(1+rng.IntN(100)))
	}
	if rng.IntN(3) == 0 {
		opts = append(opts, mp.Window(1+rng.IntN(200)))
	}
	if rng.IntN(3) == 0 {
		opts = append(opts, mp.Priority(rng.IntN(5)-2))
	}
	if rng.IntN(8) == 0 {
		opts = append(opts, gustKeys[rng.IntN(len(gustKeys))])
	}
	return opts
}

// callOptions are those of a call of a round.
func (r *round) callOptions(rng *rand.Rand) []mp.CallOption {
	opts := []mp.CallOption{mp.Timeout(r.timeout), mp.Retries(r.retries)}
	if rng.IntN(3) == 0 {
		opts = append(opts, mp.Priority(rng.IntN(5)-2))
	}
	if rng.IntN(3) == 0 {
		opts = append(opts, gustKeys[rng.IntN(len(gustKeys))])
	}
	return opts
}

var gustKeys = []mp.Key{"", "north", "east", "south", "west"}

// context is a round's, and what to call with each outcome: at times it ends in the middle.
func (r *round) context(rng *rand.Rand) (c context.Context, told func()) {
	c, cancel := context.WithCancel(ctx)
	at := int64(-1)
	if rng.IntN(4) == 0 {
		at = rng.Int64N(int64(len(r.gusts)))
	}
	var n atomic.Int64
	return c, func() {
		if n.Add(1)-1 == at {
			r.ended.Store(true)
			cancel()
		}
	}
}

// maps: all succeed, or the map fails with an error that one of its elements may have, and that is its first.
func (s *season) maps(rng *rand.Rand) {
	r := s.draw(rng, 1+rng.IntN(1500))
	c, told := r.context(rng)
	out, err := blow.Map(c, s.pool, r.gusts, append(r.options(rng), mp.Observe(func(mp.Event) { told() }))...)
	if err == nil {
		for i := range r.gusts {
			s.judge(r, i, out[i], nil)
		}
		return
	}
	if ee, ok := errors.AsType[*mp.ElementError](err); ok {
		s.judge(r, ee.Index, gustAnswer{}, err)
	} else if (!r.ended.Load() || !errors.Is(err, context.Canceled)) && (!s.ending.Load() || !errors.Is(err, mp.ErrClosed)) {
		s.t.Errorf("a map: %v", err)
	}
}

// results: each element once, unless the loop is left.
func (s *season) results(rng *rand.Rand) {
	r := s.draw(rng, 1+rng.IntN(1500))
	c, told := r.context(rng)
	leave := -1
	if rng.IntN(4) == 0 {
		leave = rng.IntN(len(r.gusts))
	}
	var pulled atomic.Int64
	seen, n := make([]bool, len(r.gusts)), 0
	for i, res := range blow.Results(c, s.pool, r.input(&pulled), r.options(rng)...) {
		if _, ok := errors.AsType[*mp.ElementError](res.Err); res.Err != nil && !ok {
			s.refused(r, res.Err)
			return
		}
		if seen[i] {
			s.t.Errorf("%s: a second outcome: %v", s.describe(r, i), res.Err)
		}
		seen[i] = true
		s.judge(r, i, res.Value, res.Err)
		told()
		if n++; n == leave {
			return
		}
	}
	s.complete(r, n, int(pulled.Load()))
}

// streams: likewise in order.
func (s *season) streams(rng *rand.Rand) {
	r := s.draw(rng, 1+rng.IntN(1500))
	c, told := r.context(rng)
	leave := -1
	if rng.IntN(4) == 0 {
		leave = rng.IntN(len(r.gusts))
	}
	var pulled atomic.Int64
	n := 0
	for out, err := range blow.Stream(c, s.pool, r.input(&pulled), r.options(rng)...) {
		ee, ok := errors.AsType[*mp.ElementError](err)
		if err != nil && !ok {
			s.refused(r, err)
			return
		}
		if ok && ee.Index != n {
			s.t.Errorf("%s: not its turn: %v", s.describe(r, n), err)
		}
		s.judge(r, n, out, err)
		told()
		if n++; n == leave {
			return
		}
	}
	s.complete(r, n, int(pulled.Load()))
}

// input yields the elements of a round and counts those that were taken.
func (r *round) input(taken *atomic.Int64) func(func(gust) bool) {
	return func(yield func(gust) bool) {
		for _, g := range r.gusts {
			if !yield(g) {
				return
			}
			taken.Add(1)
		}
	}
}

// complete checks that a loop that has ended by itself had an outcome of each element, or, cut short, of each that was taken.
func (s *season) complete(r *round, n, pulled int) {
	short := r.ended.Load() || s.ending.Load()
	if !short && n != len(r.gusts) || n < pulled || n > pulled+1 {
		s.t.Errorf("%d outcomes of %d elements, %d of which were taken", n, len(r.gusts), pulled)
	}
}

// refused checks that a map has a reason not to begin.
func (s *season) refused(r *round, err error) {
	if !s.ending.Load() || !errors.Is(err, mp.ErrClosed) {
		s.t.Errorf("a map of %d elements was refused: %v", len(r.gusts), err)
	}
}

// calls: one after the other.
func (s *season) calls(rng *rand.Rand) {
	r := s.draw(rng, 1+rng.IntN(20))
	for i, g := range r.gusts {
		out, err := blow.Call(ctx, s.pool, g, r.callOptions(rng)...)
		s.judge(r, i, out, err)
	}
}

// leases: calls and a stream on one worker, in order, until it is lost. That can be at any time, and there are no retries.
func (s *season) leases(rng *rand.Rand) {
	<-time.After(time.Duration(rng.IntN(100)) * time.Millisecond) // the others shall have all workers, too
	lease, err := s.pool.Lease(ctx)
	if err != nil {
		s.refused(&round{}, err)
		return
	}
	r := s.draw(rng, 1+rng.IntN(100))
	r.leased, r.retries = true, 0
	half := len(r.gusts) / 2
	for i, g := range r.gusts[:half] {
		out, err := blow.Call(ctx, lease, g, mp.Timeout(r.timeout))
		s.judge(r, i, out, err)
	}
	i := half
	for out, err := range blow.Stream(ctx, lease, slices.Values(r.gusts[half:]), mp.Timeout(r.timeout)) {
		s.judge(r, i, out, err)
		i++
	}
	if err := lease.Release(); err != nil {
		s.t.Errorf("Release: %v", err)
	}
	if _, err := blow.Call(ctx, lease, gust{Key: s.keys.Add(1)}); !errors.Is(err, mp.ErrClosed) && !errors.Is(err, mp.ErrLeaseLost) {
		s.t.Errorf("a lease that was released: %v", err)
	}
}

// futures: many at a time, some of which are cancelled; each tells once.
func (s *season) futures(rng *rand.Rand) {
	r := s.draw(rng, 1+rng.IntN(100))
	r.ended.Store(true) // any may be cancelled
	told := make([]atomic.Int32, len(r.gusts))
	futures := make([]*mp.Future[gustAnswer], 0, len(r.gusts))
	var wg sync.WaitGroup
	for i, g := range r.gusts {
		opts := r.callOptions(rng)
		var f *mp.Future[gustAnswer]
		if rng.IntN(2) == 0 {
			f = blow.Go(ctx, s.pool, g, opts...)
		} else {
			var err error
			f, err = blow.TryGo(ctx, s.pool, g, opts...)
			if err != nil && !errors.Is(err, mp.ErrFull) {
				s.refused(r, err)
				return
			}
		}
		futures = append(futures, f)
		if f == nil { // there was no room
			continue
		}
		wg.Add(1)
		f.Then(func(out gustAnswer, err error) {
			defer wg.Done()
			told[i].Add(1)
			s.judge(r, i, out, err)
		})
	}
	for _, i := range rng.Perm(len(futures))[:rng.IntN(len(futures)+1)/4] {
		if f := futures[i]; f != nil {
			f.Cancel()
		}
	}
	for f := range slices.Values(futures) {
		if f != nil {
			_, _ = f.Wait(ctx) // judged where it is told
		}
	}
	wg.Wait()
	for i := range told {
		if n := told[i].Load(); n > 1 {
			s.t.Errorf("%s: its outcome was told %d times", s.describe(r, i), n)
		}
	}
}
