package engine

import (
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

// A worker that says it is dying and lives on keeps nobody else from working.
func TestFeignedDeathHoldsNobodyUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(3))
		for _, p := range f.all[:2] {
			p.set(func(p *fake) { p.suspect = true })
		}
		for range 3 { // whoever is the first to get some
			j, out := job("f")
			begun(t, e, j, 1)
			synctest.Wait()
			if f.all[2].has() != 1 {
				t.Fatalf("the only worker that lives has %d elements", f.all[2].has())
			}
			f.all[2].run(t, 1)
			out.one(t, 0)
			e.End(j)
		}
		shutdown(t, e, f)
	})
}

// An element that was answered is never run again, though the worker forges what has begun.
func TestForgedCursorRunsNothingAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		p := f.last()
		j, out := job("f")
		j.Chunk = 4
		begun(t, e, j, 4)
		for range 2 {
			p.begin()
			if err := p.result(abi.StatusOK, nil); err != nil {
				t.Fatal(err)
			}
		}
		p.set(func(p *fake) { p.batches[0].begun = 0 })
		p.progress()
		e.workers[0].takeBack(1, false)
		synctest.Wait()
		p.die(exited(1))
		synctest.Wait()
		q := f.last()
		for {
			if _, _, ok := q.begin(); !ok {
				break
			}
			if err := q.result(abi.StatusOK, nil); err != nil {
				t.Fatal(err)
			}
			q.progress()
		}
		for i := range int64(4) {
			out.one(t, i)
		}
		e.End(j)
		shutdown(t, e, f)
	})
}

// The only worker says it is dying and lives on: another takes its place.
func TestFeignedDeathOfTheOnlyWorker(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		f.last().set(func(p *fake) { p.suspect = true })
		j, out := job("f")
		begun(t, e, j, 1)
		time.Sleep(time.Minute)
		if f.count() != 2 {
			t.Fatalf("%d workers were started", f.count())
		}
		f.last().run(t, 1)
		out.one(t, 0)
		e.End(j)
		shutdown(t, e, f)
	})
}

// A worker answers an element that it has not begun, and just then the element is taken back: it has one outcome.
func TestForgedResultWhileTakenBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		p, w := f.last(), e.workers[0]
		first, firstOut := job("f")
		begun(t, e, first, 1)
		j, out := job("g")
		begun(t, e, j, 1)
		first.Delivered = func(int64) { // which comes when the result of another job is at hand
			first.Delivered = nil
			w.takeBack(1, false)
		}
		p.begin()
		if err := p.result(abi.StatusOK, nil); err != nil {
			t.Fatal(err)
		}
		_ = p.result(abi.StatusOK, nil) // taken, or refused
		firstOut.one(t, 0)
		p.die(exited(1))
		synctest.Wait()
		f.last().run(t, f.last().has())
		out.one(t, 0)
		e.End(first)
		e.End(j)
		shutdown(t, e, f)
	})
}

// As above, at any moment.
func TestForgedResultsWhileTakenBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		for range 1000 {
			j, out := job("f")
			begun(t, e, j, 1)
			p, w := f.last(), e.workers[0]
			var both sync.WaitGroup
			both.Go(func() { w.takeBack(1, false) })
			var err error
			both.Go(func() { err = p.result(abi.StatusOK, nil) })
			both.Wait()
			if err != nil { // as a port does
				p.die(exited(1))
				synctest.Wait()
				time.Sleep(2 * maxBackOff)
			}
			e.dispatch()
			f.last().run(t, f.last().has())
			out.one(t, 0)
			e.Finished(j)
			f.last().progress()
		}
		shutdown(t, e, f)
	})
}

// The same of several results at once.
func TestForgedRunWhileTakenBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		const n, size = 6, 8
		refused := 0
		for round := range 1000 {
			j, out := job("f")
			j.Chunk = 2 + round%(n-1)
			withRuns(j, size)
			begun(t, e, j, n)
			p, w := f.last(), e.workers[0]
			sent := p.has()
			var both sync.WaitGroup
			both.Go(func() { w.takeBack(1+round%sent, false) })
			var err error
			both.Go(func() { err = p.results(sent, size, make([]byte, sent*size)) })
			both.Wait()
			if err != nil { // as a port does
				refused++
				p.die(exited(1))
				synctest.Wait()
				time.Sleep(2 * maxBackOff)
			}
			f.last().progress()
			e.dispatch()
			for f.last().has() > 0 {
				f.last().run(t, f.last().has())
			}
			for i := range int64(n) {
				out.one(t, i)
			}
			e.Finished(j)
			f.last().progress()
		}
		t.Logf("%d of 1000 were refused", refused)
		shutdown(t, e, f)
	})
}

// Results that come together are delivered together, across batches, but not those of another job.
func TestResultsComeTogether(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		const size = 8
		first, firstOut := job("f")
		first.Chunk = 4
		runs := withRuns(first, size)
		begun(t, e, first, 8)
		p := f.last()
		answer := func(n int) {
			var all []byte
			for range n {
				_, arg, ok := p.begin()
				if !ok {
					t.Fatal("the worker has nothing to do")
				}
				all = append(all, arg...)
			}
			if err := p.results(n, size, all); err != nil {
				t.Fatal(err)
			}
		}
		answer(1) // nobody has looked at the batches yet
		answer(7)
		p.progress()
		if want := []int{7}; !slices.Equal(*runs, want) {
			t.Errorf("runs of %v, want %v", *runs, want)
		}
		second, secondOut := job("g")
		begun(t, e, second, 1)
		third, thirdOut := job("h")
		begun(t, e, third, 1)
		answer(2)
		p.progress()
		for out, n := range map[*outcomes]int64{firstOut: 8, secondOut: 1, thirdOut: 1} {
			for i := range n {
				if r := out.one(t, i); binary.LittleEndian.Uint64(r.Payload) != uint64(i) {
					t.Errorf("element %d is %v", i, r.Payload)
				}
			}
		}
		if err := p.results(1, size, make([]byte, size)); err == nil {
			t.Error("a result of no element was taken")
		}
		for _, j := range []*Job{first, second, third} {
			e.Finished(j)
		}
		shutdown(t, e, f)
	})
}

// withRuns lets a job be delivered many elements at a time, and notes how many those were.
func withRuns(j *Job, size int) *[]int {
	runs := new([]int)
	var mu sync.Mutex
	j.DeliverRun = func(first int64, n, got int, payload []byte) {
		mu.Lock()
		*runs = append(*runs, n)
		mu.Unlock()
		for k := range n {
			j.Deliver(first+int64(k), Result{Status: abi.StatusOK, Payload: payload[k*size : (k+1)*size]})
		}
		if got != size || len(payload) != n*size {
			panic("payloads of another size")
		}
	}
	return runs
}
