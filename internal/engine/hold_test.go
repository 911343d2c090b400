package engine

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// What has not begun of a held job is taken back and stays back, but for the elements that may begin; other jobs go on. When it is let go,
// all of it runs.
func TestHold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		p := f.last()
		j, out := job("f")
		j.Chunk = 4
		begun(t, e, j, 20)
		synctest.Wait()
		p.begin()
		e.Hold(j, 0)
		if n := p.has(); n != 0 {
			t.Errorf("it has %d that it has not begun", n)
		}
		if s := e.Stats(); s.Queued != 19 || s.Running != 1 {
			t.Errorf("%+v", s)
		}
		if err := p.result(1, nil); err != nil {
			t.Fatal(err)
		}
		p.progress()
		other, others := job("g")
		begun(t, e, other, 1)
		e.Add(j, 5)
		synctest.Wait()
		p.run(t, 1)
		if p.has() != 0 || others.settled() != 1 || out.settled() != 1 {
			t.Errorf("%d are left, %d and %d settled", p.has(), others.settled(), out.settled())
		}
		e.End(other)
		e.Hold(j, 3)
		synctest.Wait()
		p.run(t, 2)
		if p.has() != 0 || out.settled() != 3 {
			t.Errorf("%d are left, %d settled", p.has(), out.settled())
		}
		e.Hold(j, -1)
		synctest.Wait()
		for out.settled() < 25 {
			p.run(t, 1)
			synctest.Wait()
		}
		for i := range int64(25) {
			out.one(t, i)
		}
		e.End(j)
		shutdown(t, e, f)
	})
}

// Jobs that are held and let go at random, on workers that fail and die, under ladders: each element has one outcome.
func TestRandomHolds(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 100 {
		bubble(t, func(t *testing.T) { randomHold(t, rand.New(rand.NewPCG(rng.Uint64(), 2))) })
	}
}

func randomHold(t *testing.T, rng *rand.Rand) {
	salt := rng.Uint64()
	l := life{begun: func([]byte) {}, fate: func(payload []byte) (fate, time.Duration) {
		r := rand.New(rand.NewPCG(salt, binary.LittleEndian.Uint64(payload)))
		if r.IntN(50) == 0 {
			return dies, 0
		}
		return fate(r.IntN(2)), time.Duration(r.IntN(2)*r.IntN(300)) * time.Microsecond
	}}
	f := &farm{t: t, start: func(p *fake) error { go l.serve(p); return nil }}
	e := newEngine(t, f.config(1+rng.IntN(4)))
	const n = 300
	jobs, outs := make([]*Job, 3), make([]*outcomes, 3)
	for i := range jobs {
		jobs[i], outs[i] = job("f")
		jobs[i].Chunk, jobs[i].Retries = rng.IntN(20), rng.IntN(2)
		begun(t, e, jobs[i], n)
	}
	for range 30 {
		<-time.After(time.Duration(rng.IntN(3000)) * time.Microsecond)
		e.Hold(jobs[rng.IntN(3)], int64(rng.IntN(n+2)-1))
	}
	for i, j := range jobs {
		e.Hold(j, -1)
		for outs[i].settled() < n {
			<-time.After(time.Millisecond)
		}
		for k := range int64(n) {
			outs[i].one(t, k)
		}
		e.End(j)
	}
	e.Kill()
}
