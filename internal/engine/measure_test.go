package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/spawn"
)

// measurePass lets time pass in the bubble.
func measurePass(d time.Duration) { <-time.After(d) }

// What a worker does with its time adds up, to the nanosecond; what its successor does is added.
func TestMeasureTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t, start: func(p *fake) error {
			time.AfterFunc(2*time.Second, p.up)
			return nil
		}}
		c := f.config(1)
		c.Setup = func() *Job { return &Job{Function: "setup", Arg: []byte{}, Abort: func(*Failure) {}} }
		c.SetupError = func(Result) error { return nil }
		setup := func() { // takes 3 s
			measurePass(5 * time.Second)
			f.last().run(t, 1)
		}
		go setup()
		e := newEngine(t, c)
		p := f.last()
		measurePass(time.Second)
		j, _ := job("f")
		begun(t, e, j, 3)
		p.begin()
		measurePass(4 * time.Second)
		if err := p.result(abi.StatusOK, []byte("four")); err != nil {
			t.Fatal(err)
		}
		p.progress()
		want := Spent{2 * time.Second, 3 * time.Second, time.Second, 4 * time.Second, 0}
		s := e.Stats()
		if s.Spent != want || s.Workers[0].Spent != want {
			t.Errorf("%+v, %+v, want %+v", s.Spent, s.Workers[0].Spent, want)
		}
		if s.BytesSent != 24 || s.BytesGot != 4 {
			t.Errorf("%d bytes sent, %d received", s.BytesSent, s.BytesGot)
		}
		p.begin()
		measurePass(5 * time.Second)
		go setup()
		p.die(spawn.Exit{ExitStatus: exitStatus(-int(syscall.SIGSEGV), syscall.SIGSEGV)})
		if err := e.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		f.last().run(t, 1)
		measurePass(7 * time.Second)
		want = Spent{4 * time.Second, 6 * time.Second, 8 * time.Second, 9 * time.Second, 0}
		s = e.Stats()
		if w := s.Workers[0]; s.Spent != want || w.Spent != want || w.LastError == nil || w.Restarts != 1 {
			t.Errorf("%+v, %+v, want %+v", s.Spent, w, want)
		}
		if s.Accepted != 3 || s.Done != 2 || s.Failed != 1 || s.Cancelled != 0 || s.RestartsBy[reasonDeath] != 1 {
			t.Errorf("%+v", s)
		}
		// The second died, and its time is nobody's; the third waited for 4+5 seconds and for the successor.
		if h := s.WorkingTime; h.Count() != 2 || h.Max() != 4*time.Second || h.Min() != 0 {
			t.Errorf("working: %v", h)
		}
		if h := s.WaitingTime; h.Count() != 2 || h.Max() != 14*time.Second || h.Min() != 0 {
			t.Errorf("waiting: %v", h)
		}
		e.End(j)
		shutdown(t, e, f)
	})
}

// Of elements that are seen to have ended at once, the first has the time in which nothing was seen to end.
func TestMeasureTheFirstOfALook(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		p := f.last()
		j, _ := job("f")
		j.Chunk = 10
		j.Show = func(arg []byte) string { return fmt.Sprint("number ", binary.LittleEndian.Uint64(arg)) }
		begun(t, e, j, 10)
		p.run(t, 2)
		p.begin()
		for range 10 { // the third takes long, and the port looks for its result
			measurePass(time.Second)
			p.host.Quiet()
		}
		measurePass(80 * time.Millisecond)
		if err := p.result(abi.StatusOK, nil); err != nil {
			t.Fatal(err)
		}
		p.run(t, 7)
		s := e.Stats()
		h := s.WorkingTime
		if h.Count() != 10 || h.Max() != 10*time.Second+10*time.Millisecond || h.Sum() != 10*time.Second+80*time.Millisecond {
			t.Errorf("%v, sum %v", h, h.Sum())
		}
		if len(s.Slowest) != 2 || s.Slowest[0].Index != 2 || s.Slowest[0].Argument != "number 2" || s.Slowest[0].Duration != h.Max() {
			t.Errorf("%+v", s.Slowest)
		}
		e.End(j)
		shutdown(t, e, f)
	})
}

// The slowest ten are kept, in their order, whatever order they come in.
func TestMeasureSlowest(t *testing.T) {
	e := new(Engine)
	j, _ := job("f")
	order := rand.Perm(100)
	t.Log(order)
	for _, i := range order {
		if d := time.Duration(i) * time.Second; e.isSlow(d) {
			e.slow(j, Slow{Index: int64(i), Duration: d})
		}
	}
	if len(e.books.slow) != maxSlow {
		t.Fatalf("%+v", e.books.slow)
	}
	for n, s := range e.books.slow {
		if s.Index != int64(99-n) || s.Function != "f" {
			t.Errorf("%d: %+v", n, s)
		}
	}
}

// An argument that cannot be had has no text, and nobody is asked for one whose job has ended.
func TestMeasureNoText(t *testing.T) {
	j, _ := job("f")
	if s := j.describe(1); s != "" {
		t.Error(s)
	}
	j.Show = func([]byte) string { return "text" }
	if s := j.describe(1); s != "text" {
		t.Error(s)
	}
	j.end()
	if s := j.describe(1); s != "" {
		t.Error(s)
	}
	j, _ = job("f")
	j.Show = func([]byte) string { return "text" }
	j.Encode = func([]byte, int64) ([]byte, error) { return nil, errors.New("gone") }
	if s := j.describe(1); s != "" {
		t.Error(s)
	}
}

// However the elements of a job become available, it is known when each did, but of those that are long past.
func TestMeasureArrivals(t *testing.T) {
	var a arrivals
	var came []time.Duration
	for at := time.Duration(1); at < 3000; at++ {
		n := 1 + rand.IntN(5)
		a.add(int64(n), at)
		for range n {
			came = append(came, at)
		}
		for range 3 {
			if i := max(0, len(came)-1-rand.IntN(500)); a.at(int64(i)) != came[i] {
				t.Fatalf("element %d of %d came at %d, not %d", i, len(came), came[i], a.at(int64(i)))
			}
		}
	}
	if len(a.later) > maxStamps || a.at(0) < 1 || a.at(0) > 2500 {
		t.Errorf("%d stamps; the first came at %d", len(a.later), a.at(0))
	}
}

// What is accepted is waiting, running, done, failed or cancelled, at each step.
func TestMeasureAddsUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(2))
		check := func(want Stats) {
			t.Helper()
			s := e.Stats()
			if s.Accepted != want.Accepted || s.Cancelled != want.Cancelled || s.Done != want.Done || s.Failed != want.Failed ||
				s.Accepted != int64(s.Queued+s.Running)+s.Done+s.Failed+s.Cancelled {
				t.Errorf("%+v, want %+v", s, want)
			}
		}
		j, _ := job("f")
		begun(t, e, j, 100)
		check(Stats{Accepted: 100})
		f.last().run(t, 1)
		check(Stats{Accepted: 100, Done: 1})
		f.last().begin()
		e.End(j) // one runs, 98 are dropped
		check(Stats{Accepted: 100, Done: 1, Cancelled: 98})
		if err := f.last().result(abi.StatusOK, nil); err != nil {
			t.Fatal(err)
		}
		f.last().progress()
		check(Stats{Accepted: 100, Done: 1, Cancelled: 99})
		k, _ := job("g")
		k.Encode = func([]byte, int64) ([]byte, error) { return nil, errors.New("cannot be encoded") }
		begun(t, e, k, 3)
		check(Stats{Accepted: 103, Done: 1, Failed: 3, Cancelled: 99})
		e.End(k)
		shutdown(t, e, f)
		check(Stats{Accepted: 103, Done: 1, Failed: 3, Cancelled: 99})
	})
}
