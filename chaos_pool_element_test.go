//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// What an element of the chaos test does.
type gustMode uint8

const (
	gustAnswers gustMode = iota
	gustFails
	gustPanics
	gustDies  // exits
	gustHeeds // works until its context ends
	gustHangs // heeds nothing
)

// A gust is an element of the chaos test.
type gust struct {
	Key  uint64 // no other element has it
	Mode gustMode
	Work time.Duration
	Pad  []byte
	Back int // size of the answer's Pad
}

// A gustAnswer is what comes of it: what only who had all of the gust can know.
type gustAnswer struct {
	Key uint64
	Sum uint32 // of the gust's Pad
	Pad []byte
}

const (
	gustLarge = 300 << 10
	gustHuge  = 5 << 20
	gustWords = 1 << 18 // more than there are elements on their way
)

// gustPads are what pads are cut from. The huge one is made only where it is needed: most workers do not live long.
var gustPads = [2]func() []byte{gustPadOf(gustLarge), gustPadOf(gustHuge)}

func gustPadOf(n int) func() []byte {
	return sync.OnceValue(func() []byte { return pattern(n + 251) })
}

// gustPad is n bytes that depend on the key.
func gustPad(key uint64, n int) []byte {
	if n > gustLarge {
		return gustPads[1]()[key%251:][:n]
	}
	return gustPads[0]()[key%251:][:n]
}

// gustLog counts how often each element has begun. A word is an element's key divided by gustWords, in the upper 56 bits, and the count.
var gustLog *shared.Array[uint64]

var setGustLog = mp.Func("chaos log", func(_ context.Context, log *shared.Array[uint64]) (int, error) {
	gustLog = log
	return 0, nil
})

// begin counts that an element has begun.
func (g *gust) begin() {
	word, lap := &gustLog.Slice()[g.Key%gustWords], g.Key/gustWords
	for {
		old := atomic.LoadUint64(word)
		next := lap<<8 | 1
		switch {
		case old>>8 > lap:
			return // a straggler of which nobody wants to know
		case old>>8 == lap:
			next = old + 1
		}
		if atomic.CompareAndSwapUint64(word, old, next) {
			return
		}
	}
}

// begun is how often an element has begun.
func (g *gust) begun(log []uint64) int {
	if word := atomic.LoadUint64(&log[g.Key%gustWords]); word>>8 == g.Key/gustWords {
		return int(word & 0xff)
	}
	return 0
}

var blow = mp.Func("chaos", func(ctx context.Context, g gust) (gustAnswer, error) {
	g.begin()
	for end := time.Now().Add(g.Work); time.Now().Before(end); {
	}
	switch g.Mode {
	case gustFails:
		return gustAnswer{}, fmt.Errorf("gust %d", g.Key)
	case gustPanics:
		panic(fmt.Sprintf("gust %d", g.Key))
	case gustDies:
		os.Exit(gustExit)
	case gustHeeds:
		<-ctx.Done()
		return gustAnswer{}, ctx.Err()
	case gustHangs:
		select {}
	case gustAnswers:
	}
	return gustAnswer{g.Key, crc32.ChecksumIEEE(g.Pad), gustPad(g.Key, g.Back)}, nil
})

const gustExit = 77

// A round is a call or a map, and what may come of its elements.
type round struct {
	timeout time.Duration // none if 0
	retries int
	ended   atomic.Bool // its context was cancelled, or its future
	leased  bool        // it runs on one worker, which may be lost at any time
	gusts   []gust
}

// gustSize is mostly small, at times larger than what lies in a slot, or a ring.
func gustSize(rng *rand.Rand) int {
	switch n := rng.IntN(10_000); {
	case n < 3:
		return rng.IntN(gustHuge)
	case n < 100:
		return rng.IntN(gustLarge)
	case n < 3000:
		return rng.IntN(1000)
	default:
		return 0
	}
}

// draw makes a round of so many elements.
func (s *season) draw(rng *rand.Rand, n int) *round {
	r := &round{gusts: make([]gust, n)}
	if rng.IntN(2) == 0 {
		r.timeout = time.Duration(5+rng.IntN(50)) * time.Millisecond
	}
	if rng.IntN(2) == 0 {
		r.retries = 1 + rng.IntN(4)
	}
	faults := []int{2000, 200_000}[rng.IntN(2)] // one of so many elements, times what is below
	first := s.keys.Add(uint64(n)) - uint64(n)
	for i := range r.gusts {
		g := &r.gusts[i]
		*g = gust{Key: first + uint64(i), Back: gustSize(rng)}
		g.Pad = gustPad(g.Key+1, gustSize(rng))
		switch m := rng.IntN(faults); {
		case m < 20:
			g.Mode = gustFails
		case m < 30:
			g.Mode = gustPanics
		case m < 31:
			g.Mode = gustDies
		case m < 34 && r.timeout > 0:
			g.Mode = gustHeeds
		case m < 35 && r.timeout > 0:
			g.Mode = gustHangs
		case m < faults/4:
			g.Work = time.Duration(rng.IntN(300)) * time.Microsecond
		}
	}
	return r
}

// judge checks the outcome of element i of a round.
func (s *season) judge(r *round, i int, out gustAnswer, err error) {
	g := &r.gusts[i]
	if !errors.Is(err, mp.ErrClosed) {
		s.outcomes.Add(1)
	}
	begun := g.begun(s.log)
	if begun > 1+r.retries {
		s.t.Errorf("%s began %d times with %d retries: %v", s.describe(r, i), begun, r.retries, err)
	}
	if err == nil {
		if g.Mode != gustAnswers || begun == 0 || out.Key != g.Key || out.Sum != crc32.ChecksumIEEE(g.Pad) || string(out.Pad) != string(gustPad(g.Key, g.Back)) {
			s.t.Errorf("%s succeeded, after it began %d times, with %d, %d, %d bytes", s.describe(r, i), begun, out.Key, out.Sum, len(out.Pad))
		}
		return
	}
	if why := s.forbidden(r, i, err); why != "" {
		s.t.Errorf("%s: %s: %v", s.describe(r, i), why, err)
	}
}

func (s *season) describe(r *round, i int) string {
	g := &r.gusts[i]
	return fmt.Sprintf("element %d of %d (mode %d, %d bytes there, %d back, %v of work, timeout %v, %d retries)",
		i, len(r.gusts), g.Mode, len(g.Pad), g.Back, g.Work, r.timeout, r.retries)
}

// forbidden says what is wrong with an error of element i, if that is not explained by what was done to it.
func (s *season) forbidden(r *round, i int, err error) string {
	g := &r.gusts[i]
	text := fmt.Sprintf("gust %d", g.Key)
	if r.leased && errors.Is(err, mp.ErrLeaseLost) {
		return ""
	}
	if we, ok := errors.AsType[*mp.WorkerError](err); ok {
		return s.explained(r, g, we)
	}
	if te, ok := errors.AsType[*mp.TimeoutError](err); ok {
		if r.timeout == 0 || te.Timeout != r.timeout {
			return "it had another time"
		}
		return ""
	}
	if pe, ok := errors.AsType[*mp.PanicError](err); ok {
		if g.Mode != gustPanics || pe.Value != text {
			return "it does not panic so"
		}
		return ""
	}
	if errors.Is(err, mp.ErrClosed) {
		if !s.ending.Load() {
			return "nobody has closed the pool"
		}
		return ""
	}
	if errors.Is(err, context.Canceled) {
		if !r.ended.Load() {
			return "nobody has cancelled it"
		}
		return ""
	}
	if re, ok := errors.AsType[*mp.RemoteError](err); ok && g.Mode == gustFails && re.Text == text {
		return ""
	}
	return "no such error"
}

// explained says what is wrong with the report that an element's worker has ended.
func (s *season) explained(r *round, g *gust, we *mp.WorkerError) string {
	if we.Attempts != 1+r.retries {
		return "it was not tried as often as it could be"
	}
	if g.Mode == gustDies && we.ExitCode == gustExit {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if we.ExitCode != -9 || !s.killed[we.PID] {
		return "nobody has killed its worker"
	}
	if s.hurt[we.PID]++; s.hurt[we.PID] > 1 {
		return "its worker has hurt another element as well"
	}
	return ""
}
