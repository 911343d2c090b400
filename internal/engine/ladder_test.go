package engine

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

// The ladder: at the timeout the context is cancelled, after Grace the worker is killed, and the caller has his
// answer then: he does not wait until a successor is up.
func TestLadder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		p := f.last()
		f.start = func(q *fake) error { // a successor takes long to come up
			time.AfterFunc(30*time.Second, q.up)
			return nil
		}
		j, out := job("f")
		j.Timeout, j.Grace = time.Second, 300*time.Millisecond
		begun(t, e, j, 2)
		start := time.Now()
		p.begin()
		<-p.killed
		synctest.Wait()
		r := out.one(t, 0)
		if r.Failure == nil || r.Failure.Reason != TimedOut || !r.Failure.Killed || r.Failure.Timeout != time.Second {
			t.Errorf("%+v", r.Failure)
		}
		if c := p.cancels; len(c) != 1 || c[0].number != 0 || c[0].cause != abi.CauseTimeout || c[0].at.Sub(start) != time.Second {
			t.Errorf("cancelled %+v, begun at %v", c, start)
		}
		if d := out.when[0].Sub(start); d != 1300*time.Millisecond {
			t.Errorf("the answer came after %v", d)
		}
		// What had not begun is run by the successor.
		if err := e.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		f.last().run(t, 1)
		if r := out.one(t, 1); r.Failure != nil {
			t.Errorf("%+v", r.Failure)
		}
		e.End(j)
		shutdown(t, e, f)
	})
}

// An element that may take a second has no more, though the one before, which has ended, might have taken an hour.
func TestShortLimitAfterALongOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		p := f.last()
		long, _ := job("f")
		long.Timeout = time.Hour
		short, out := job("g")
		short.Timeout, short.Grace = time.Second, time.Hour
		for _, idle := range []bool{true, false} { // between the two
			begun(t, e, long, 1)
			if idle {
				p.run(t, 1)
				begun(t, e, short, 1)
			} else {
				begun(t, e, short, 1)
				p.run(t, 1)
			}
			start := time.Now()
			p.begin()
			<-time.After(2 * time.Second)
			synctest.Wait()
			if n := len(p.cancels); n != 1+out.settled() || p.cancels[n-1].at.Sub(start) != time.Second {
				t.Errorf("idle %v: cancelled %+v, begun at %v", idle, p.cancels, start)
			}
			if err := p.result(abi.StatusError, nil); err != nil {
				t.Fatal(err)
			}
			p.progress()
		}
		if r := out.one(t, 1); r.Failure == nil || r.Failure.Reason != TimedOut {
			t.Errorf("%+v", r)
		}
		e.End(long)
		e.End(short)
		shutdown(t, e, f)
	})
}

// An element that heeds its context within Grace fails, too, for it took too long, but its worker lives on; the next has
// its full time.
func TestLadderThatEndsInTime(t *testing.T) {
	for _, status := range []uint8{abi.StatusOK, abi.StatusError} {
		bubble(t, func(t *testing.T) {
			f := &farm{t: t}
			e := newEngine(t, f.config(1))
			p := f.last()
			j, out := job("f")
			j.Timeout, j.Grace = time.Second, time.Second
			begun(t, e, j, 2)
			p.begin()
			<-time.After(1500 * time.Millisecond)
			if err := p.result(status, nil); err != nil {
				t.Fatal(err)
			}
			p.progress()
			if r := out.one(t, 0); r.Failure == nil || r.Failure.Reason != TimedOut || r.Failure.Killed {
				t.Errorf("%+v", r)
			}
			p.begin()
			<-time.After(999 * time.Millisecond)
			if err := p.result(abi.StatusOK, nil); err != nil {
				t.Fatal(err)
			}
			p.progress()
			if r := out.one(t, 1); r.Failure != nil {
				t.Errorf("%+v", r)
			}
			<-time.After(time.Hour)
			if p.kills != 0 || len(p.cancels) != 1 {
				t.Errorf("%d kills, cancelled %+v", p.kills, p.cancels)
			}
			e.End(j)
			shutdown(t, e, f)
		})
	}
}

// Elements that each keep their limit are not stopped by it together, one message or several.
func TestEachElementHasItsOwnTime(t *testing.T) {
	for _, chunk := range []int{1, 10} {
		bubble(t, func(t *testing.T) {
			f := &farm{t: t}
			e := newEngine(t, f.config(1))
			p := f.last()
			j, out := job("f")
			j.Timeout, j.Chunk = time.Second, chunk
			begun(t, e, j, 10)
			for range 10 {
				_, arg, _ := p.begin()
				<-time.After(900 * time.Millisecond)
				if err := p.result(abi.StatusOK, arg); err != nil {
					t.Fatal(err)
				}
				p.progress()
			}
			for i := range int64(10) {
				if r := out.one(t, i); r.Failure != nil {
					t.Errorf("element %d: %+v", i, r.Failure)
				}
			}
			if p.kills != 0 || len(p.cancels) != 0 {
				t.Errorf("%d kills, cancelled %+v", p.kills, p.cancels)
			}
			e.End(j)
			shutdown(t, e, f)
		})
	}
}

// The time of an element runs from when its predecessor was answered, whoever looks at the worker in between.
func TestAnEndOfAnotherJobDoesNotShortenTheTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		p := f.last()
		j, out := job("f")
		j.Timeout = time.Second
		begun(t, e, j, 2)
		other, _ := job("g")
		begun(t, e, other, 1)
		p.begin()
		<-time.After(900 * time.Millisecond)
		if err := p.result(abi.StatusOK, nil); err != nil {
			t.Fatal(err)
		}
		e.End(other) // between a result and the progress that follows it
		p.progress()
		p.begin()
		<-time.After(900 * time.Millisecond)
		if len(p.cancels) != 0 {
			t.Errorf("an element of 900 ms was cancelled after %v of 1 s", p.cancels[0].at.Sub(out.when[0]))
		}
		if err := p.result(abi.StatusOK, nil); err != nil {
			t.Fatal(err)
		}
		p.progress()
		if r := out.one(t, 1); r.Failure != nil {
			t.Errorf("%+v", r.Failure)
		}
		e.End(j)
		shutdown(t, e, f)
	})
}

// A result that is being taken in at the moment of the limit does not give its successor more time than it may have.
func TestLimitBetweenResultAndProgress(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		p := f.last()
		j, _ := job("f")
		j.Timeout = 100 * time.Millisecond
		begun(t, e, j, 2)
		p.begin()
		<-time.After(99 * time.Millisecond)
		if err := p.result(abi.StatusOK, nil); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Millisecond)
		p.progress()
		next := time.Now()
		p.begin()
		<-p.killed
		synctest.Wait()
		if d := p.cancels[0].at.Sub(next); d != 100*time.Millisecond {
			t.Errorf("an element with a limit of 100 ms was cancelled after %v", d)
		}
		e.End(j)
		shutdown(t, e, f)
	})
}

// A worker that does not even begin is taken for stuck, and its elements go to another, and fail for nobody.
func TestStuckBeforeItBegins(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		p := f.last()
		j, out := job("f")
		j.Timeout = 10 * time.Millisecond
		begun(t, e, j, 1)
		<-p.killed
		if err := e.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		f.last().run(t, 1)
		if r := out.one(t, 0); r.Failure != nil {
			t.Errorf("%+v", r.Failure)
		}
		e.End(j)
		shutdown(t, e, f)
	})
}

// A caller that gives up at the moment of the limit does not cost the worker its Grace.
func TestEndAtTheLimitLeavesGrace(t *testing.T) {
	f := &farm{t: t} // real time: the point is a timer that has gone off and waits for a lock
	e := newEngine(t, f.config(1))
	p := f.last()
	j, _ := job("f")
	j.Timeout, j.Grace = 20*time.Millisecond, time.Hour
	fired := time.NewTimer(60 * time.Millisecond)
	p.onCancel = func() { <-fired.C }
	begun(t, e, j, 1)
	p.begin()
	e.End(j)
	for range 1000 { // the timer's goroutine has its turn
		e.Workers()
		runtime.Gosched()
	}
	if get(p, func(p *fake) int { return p.kills }) != 0 {
		t.Error("the worker was killed before its Grace was over")
	}
	e.Kill()
}

// The way of a large argument to its worker is not the element's time: as long as it moves.
func TestLargeArgumentOnItsWay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		j, out := job("f")
		j.Encode, j.Arg, j.Timeout = nil, make([]byte, MaxCopied+1), 500*time.Millisecond
		begun(t, e, j, 1)
		p := f.last()
		for range 15 { // room was made, and filled again
			time.Sleep(100 * time.Millisecond)
			p.progress()
		}
		time.Sleep(50 * time.Millisecond)
		p.begin()
		time.Sleep(400 * time.Millisecond)
		if n := get(p, func(p *fake) int { return len(p.cancels) + p.kills }); n > 0 {
			t.Fatal("it was cancelled or killed before its time was over")
		}
		if err := p.result(abi.StatusOK, nil); err != nil {
			t.Fatal(err)
		}
		p.progress()
		if r := out.one(t, 0); r.Failure != nil {
			t.Errorf("%+v", r.Failure)
		}
		// One that does not move is stuck.
		j2, _ := job("f")
		j2.Encode, j2.Arg, j2.Timeout = nil, j.Arg, j.Timeout
		begun(t, e, j2, 1)
		time.Sleep(notBegun + time.Millisecond)
		if n := get(p, func(p *fake) int { return p.kills }); n != 1 {
			t.Errorf("killed %d times", n)
		}
		e.End(j)
		e.End(j2)
		shutdown(t, e, f)
	})
}

// While a result is taken, which may be large, or have a slow observer, the next can lie there already: its time is not over.
func TestSlowDelivery(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		j, out := job("f")
		j.Chunk, j.Timeout, j.Grace = 2, 100*time.Millisecond, time.Minute
		deliver := j.Deliver
		j.Deliver = func(i int64, r Result) {
			if i == 0 {
				time.Sleep(time.Second)
			}
			deliver(i, r)
		}
		begun(t, e, j, 2)
		p := f.last()
		p.begin()
		p.begin()
		for range 2 {
			if err := p.result(abi.StatusOK, nil); err != nil {
				t.Fatal(err)
			}
		}
		p.progress()
		for i := range int64(2) {
			if r := out.one(t, i); r.Failure != nil {
				t.Errorf("element %d: %+v", i, r.Failure)
			}
		}
		e.End(j)
		shutdown(t, e, f)
	})
}

// A worker that is looked at again and again, for its channel is full, has no more time for what it runs, though an element of the same
// batch has ended.
func TestTimeoutIsNotPutOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		j, out := job("f")
		j.Chunk, j.Timeout = 3, time.Second
		begun(t, e, j, 3)
		p := f.last()
		p.begin()
		if err := p.result(abi.StatusOK, nil); err != nil {
			t.Fatal(err)
		}
		p.progress()
		p.begin()
		start := time.Now()
		for range 15 {
			<-time.After(100 * time.Millisecond)
			p.progress()
		}
		synctest.Wait()
		if c := get(p, func(p *fake) []cancelled { return p.cancels }); len(c) != 1 || c[0].at.Sub(start) != time.Second {
			t.Errorf("%v after %v", c, start)
		}
		e.Kill()
		if r := out.one(t, 0); r.Failure != nil {
			t.Errorf("%+v", r)
		}
	})
}
