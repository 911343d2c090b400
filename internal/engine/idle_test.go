package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A hall is a farm of workers that run elements of any length, and notes which have begun.
type hall struct {
	farm

	mu    sync.Mutex
	begun []int64 // in the order in which they began
}

// newHall makes an engine whose elements take as long as lasts says of their number, or end their worker, if that is less than 0.
func newHall(t *testing.T, workers int, lasts func(i int64) time.Duration) (*hall, *Engine) {
	h := &hall{farm: farm{t: t}}
	l := life{
		begun: func(arg []byte) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.begun = append(h.begun, int64(binary.LittleEndian.Uint64(arg)))
		},
		fate: func(arg []byte) (fate, time.Duration) {
			if d := lasts(int64(binary.LittleEndian.Uint64(arg))); d >= 0 {
				return succeeds, d
			}
			return dies, 0
		},
	}
	h.start = func(p *fake) error { go l.serve(p); return nil }
	return h, newEngine(t, h.config(workers))
}

// running is which elements have begun, lowest first, once everybody has done what can be done now.
func (h *hall) running() []int64 {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(slices.Values(h.begun))
}

// idlers checks that no worker of the engine has nothing to do while an element has not begun.
func idlers(e *Engine) error {
	synctest.Wait()
	e.mu.Lock()
	waiting, workers := e.sched.Waiting(), slices.Clone(e.workers)
	e.mu.Unlock()
	held, idle := 0, 0
	for _, w := range workers {
		if w == nil || !get(w.port.(*fake), func(p *fake) bool { return !p.suspect && p.kills == 0 }) {
			continue
		}
		p := w.port.(*fake)
		held += p.has()
		if get(p, func(p *fake) bool { return p.begun == p.answered }) && w.works() {
			idle++
		}
	}
	if idle > 0 && (waiting > 0 || held > 0) {
		return fmt.Errorf("%d workers idle; %d elements wait, %d were sent and have not begun", idle, waiting, held)
	}
	return nil
}

func (w *worker) works() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.up && !w.dead
}

// As many elements as there are workers run at once, whatever is known of their length and however they come: each may wait for all
// others. In batches of one they are the first ones.
func TestAsManyRunAsThereAreWorkers(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 4, 8} {
		for _, n := range []int{1, 2, 4, 5, 8, 9, 100} {
			for _, chunk := range []int{0, 1, 2, 3, 8, 100} {
				for _, known := range []bool{false, true} {
					for _, pieces := range [][]int{{n}, slices.Repeat([]int{1}, n), {n / 2, n - n/2}} {
						bubble(t, func(t *testing.T) {
							got := runAtOnce(t, workers, chunk, known, pieces)
							first := chunk > 1 || (chunk == 0 && known) || got[len(got)-1] == int64(len(got)-1)
							if len(got) != min(n, workers) || !first {
								t.Errorf("%d elements in %d pieces, chunks of %d, known %v, %d workers: %v run",
									n, len(pieces), chunk, known, workers, got)
							}
						})
					}
				}
			}
		}
	}
}

// runAtOnce adds elements without end in pieces of so many, and returns which have begun. If they are known, they are thought to be
// so short that thousands would make a batch.
func runAtOnce(t *testing.T, workers, chunk int, known bool, pieces []int) []int64 {
	length := time.Duration(0)
	h, e := newHall(t, workers, func(int64) time.Duration { return length })
	defer e.Kill()
	if known {
		j, out := job("f")
		begun(t, e, j, 1000)
		synctest.Wait()
		if e.End(j); out.settled() != 1000 {
			t.Fatalf("%d outcomes", out.settled())
		}
		h.begun = nil
	}
	length = time.Hour
	j, _ := job("f")
	j.Chunk = chunk
	begun(t, e, j, 0)
	for _, n := range pieces {
		e.Add(j, int64(n))
	}
	defer e.End(j)
	return h.running()
}

var errUnsent = errors.New("it cannot be encoded")

// Whatever comes when, and whoever dies meanwhile: at no moment does a worker idle while an element has not begun.
func TestNobodyIdles(t *testing.T) {
	inRounds(t, nobodyIdles)
}

func nobodyIdles(t *testing.T, rng *rand.Rand) {
	salt, deaths := rng.Uint64(), rng.Uint64N(5)
	h, e := newHall(t, 1+rng.IntN(6), func(i int64) time.Duration {
		r := rand.New(rand.NewPCG(salt, uint64(i)))
		switch { // most are so short that many are sent ahead, some are long
		case r.Uint64N(100) < deaths:
			return -1
		case r.IntN(8) == 0:
			return time.Duration(r.Int64N(int64(time.Second)))
		}
		return time.Duration(r.Int64N(2) * r.Int64N(int64(time.Millisecond)))
	})
	var jobs []*Job
	for range 100 {
		switch rng.IntN(6) {
		case 0:
			j, _ := job("f")
			j.Retries = rng.IntN(3)
			if rng.IntN(3) == 0 {
				j.Chunk = 1 + rng.IntN(50)
			}
			if rng.IntN(3) == 0 { // a few fill a message, and some cannot be sent
				encode := j.Encode
				j.Fixed = false
				j.Encode = func(dst []byte, i int64) ([]byte, error) {
					if i%50 == 13 {
						return dst, errUnsent
					}
					dst, err := encode(dst, i)
					return append(dst, make([]byte, i%20<<10)...), err
				}
			}
			begun(t, e, j, 0)
			jobs = append(jobs, j)
		case 1:
			if len(jobs) > 0 && rng.IntN(4) == 0 {
				at := rng.IntN(len(jobs))
				e.End(jobs[at])
				jobs = slices.Delete(jobs, at, at+1)
			}
		case 2:
			if p := h.last(); rng.IntN(10) == 0 {
				p.set(func(p *fake) { p.suspect = true }) // it will be killed, if anybody looks
			}
		default:
			for _, j := range jobs {
				e.Add(j, rng.Int64N(1<<rng.IntN(8)))
			}
		}
		if err := idlers(e); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Duration(rng.Int64N(int64(20 * time.Millisecond))))
		if err := idlers(e); err != nil {
			t.Fatal(err)
		}
	}
	e.Kill()
}
