package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/spawn"
)

func exitStatus(code int, sig syscall.Signal) osenv.ExitStatus {
	return osenv.ExitStatus{Code: code, Signal: sig}
}

func exited(code int) spawn.Exit { return spawn.Exit{ExitStatus: exitStatus(code, 0)} }

func newEngine(t *testing.T, c Config) *Engine {
	t.Helper()
	e, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Kill) // a test that fails half-way must not leave goroutines in its bubble
	return e
}

// begun opens a job with n elements in an engine.
func begun(t *testing.T, e *Engine, j *Job, n int64) {
	t.Helper()
	if err := e.Begin(j); err != nil {
		t.Fatal(err)
	}
	e.Add(j, n)
}

// closed ends an engine in order: its fakes end when they are told to finish.
func shutdown(t *testing.T, e *Engine, f *farm) {
	t.Helper()
	done := make(chan error)
	go func() { done <- e.Close(context.Background()) }()
	synctest.Wait()
	f.mu.Lock()
	all := append([]*fake(nil), f.all...)
	f.mu.Unlock()
	for _, p := range all {
		if get(p, func(p *fake) bool { return p.finish }) {
			p.die(exited(0))
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Whatever a function makes of an element reaches its job as it is, and only success counts as such.
func TestResultsArriveAsTheyAre(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		j, out := job("f")
		statuses := []uint8{abi.StatusOK, abi.StatusError, abi.StatusPanic, abi.StatusGoexit, abi.StatusDecode, abi.StatusEncode}
		begun(t, e, j, int64(len(statuses)))
		p := f.last()
		for i, s := range statuses {
			got, arg, ok := p.begin()
			if !ok || got != int64(i) || binary.LittleEndian.Uint64(arg) != uint64(i) {
				t.Fatalf("element %d began with argument %v, want %d", got, arg, i)
			}
			if err := p.result(s, []byte{s}); err != nil {
				t.Fatal(err)
			}
			p.progress()
			if r := out.one(t, got); r.Status != s || r.Failure != nil || len(r.Payload) != 1 || r.Worker != 0 {
				t.Errorf("element %d: %+v", i, r)
			}
		}
		if s := e.Stats(); s.Done != 1 || s.Failed != 5 || s.Queued != 0 || s.Running != 0 || s.Workers[0].Done != 6 {
			t.Errorf("%+v", s)
		}
		e.End(j)
		shutdown(t, e, f)
	})
}

// A result of nothing is an error of the worker, not of the engine.
func TestResultOfNoElement(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		j, out := job("f")
		begun(t, e, j, 1)
		p := f.last()
		p.run(t, 1)
		if err := p.result(abi.StatusOK, nil); err == nil {
			t.Error("a second result of one element was taken")
		}
		out.one(t, 0)
		e.End(j)
		shutdown(t, e, f)
	})
}

// A worker dies with none, one, or all of its elements begun: what had not begun is run by another and fails for
// nobody; what had begun fails, naming the worker and how it ended.
func TestDeath(t *testing.T) {
	for _, n := range []int{0, 1, 2, 4} {
		bubble(t, func(t *testing.T) {
			f := &farm{t: t}
			e := newEngine(t, f.config(1))
			j, out := job("f")
			j.Chunk = 2
			begun(t, e, j, 4)
			p := f.last()
			if p.has() != 4 {
				t.Fatalf("the worker was sent %d elements", p.has())
			}
			for range n {
				p.begin()
			}
			p.die(exited(3))
			synctest.Wait()
			q := f.last()
			if q == p || q.has() != 4-n {
				t.Fatalf("%d begun: the successor was sent %d elements", n, q.has())
			}
			q.run(t, 4-n)
			for i := range int64(4) {
				r := out.one(t, i)
				if i >= int64(n) {
					if r.Status != abi.StatusOK || binary.LittleEndian.Uint64(r.Payload) != uint64(i) {
						t.Errorf("%d begun: element %d: %+v", n, i, r)
					}
					continue
				}
				if r.Failure == nil || r.Failure.Reason != Died || r.Failure.PID != p.pid || r.Failure.Exit.Code != 3 || r.Failure.Attempts != 1 {
					t.Errorf("%d begun: element %d: %+v", n, i, r.Failure)
				}
			}
			if s := e.Stats(); s.Restarts != 1 || s.Failed != int64(n) || s.Done != int64(4-n) {
				t.Errorf("%+v", s)
			}
			e.End(j)
			shutdown(t, e, f)
		})
	}
}

// What a worker was not sent, for want of room, cannot have begun, whatever its size is.
func TestDeathWithoutRoom(t *testing.T) {
	for _, size := range []int{0, 8} {
		bubble(t, func(t *testing.T) {
			f := &farm{t: t}
			e := newEngine(t, f.config(1))
			j, out := job("f")
			j.Encode = func(dst []byte, _ int64) ([]byte, error) { return append(dst, make([]byte, size)...), nil }
			p := f.last()
			p.set(func(p *fake) { p.noRoom = true })
			begun(t, e, j, 1)
			p.die(exited(3))
			synctest.Wait()
			f.last().run(t, 1)
			if r := out.one(t, 0); r.Failure != nil {
				t.Errorf("an argument of %d bytes that was never sent: %+v", size, r.Failure)
			}
			e.End(j)
			shutdown(t, e, f)
		})
	}
}

// Room comes with progress; what waited for it goes out in its order.
func TestRoomComesWithProgress(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		j, out := job("f")
		p := f.last()
		begun(t, e, j, 1)
		p.set(func(p *fake) { p.noRoom = true })
		e.Add(j, 3)
		if p.has() != 1 {
			t.Fatalf("%d elements were sent", p.has())
		}
		p.set(func(p *fake) { p.noRoom = false })
		p.run(t, 1)
		for i := range int64(3) {
			got, arg, ok := p.begin()
			if !ok || got != 1+i {
				t.Fatalf("element %d, %v began, want %d", got, ok, 1+i)
			}
			if err := p.result(abi.StatusOK, arg); err != nil {
				t.Fatal(err)
			}
			p.progress()
		}
		if out.settled() != 4 {
			t.Errorf("%d outcomes", out.settled())
		}
		e.End(j)
		shutdown(t, e, f)
	})
}

// Deaths and kills at a timeout take from one budget of retries, and the last failure tells how many attempts there were.
func TestRetries(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		j, out := job("f")
		j.Retries, j.Timeout = 2, time.Second
		begun(t, e, j, 1)
		for n := range 3 {
			p := f.last()
			if _, _, ok := p.begin(); !ok {
				t.Fatalf("attempt %d did not begin", n)
			}
			if n == 1 {
				<-p.killed // by the ladder, for it never answers
			} else {
				p.die(exited(3))
			}
			synctest.Wait()
			if err := e.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if r := out.one(t, 0); r.Failure == nil || r.Failure.Reason != Died || r.Failure.Attempts != 3 {
			t.Errorf("%+v", r.Failure)
		}
		if s := e.Stats(); s.Retried != 2 || s.Failed != 1 || s.Restarts != 3 {
			t.Errorf("%+v", s)
		}
		e.End(j)
		shutdown(t, e, f)
	})
}

// One argument that cannot be encoded fails alone, wherever in its batch it stands.
func TestEncodingErrorInABatch(t *testing.T) {
	errBad := errors.New("bad argument")
	for bad := range int64(5) {
		for _, fixed := range []bool{true, false} {
			bubble(t, func(t *testing.T) {
				f := &farm{t: t}
				e := newEngine(t, f.config(1))
				j, out := job("f")
				encode := j.Encode
				j.Chunk, j.Fixed = 5, fixed
				j.Encode = func(dst []byte, i int64) ([]byte, error) {
					if i == bad {
						return append(dst, "left behind"...), errBad
					}
					return encode(dst, i)
				}
				begun(t, e, j, 5)
				f.last().run(t, 4)
				for i := range int64(5) {
					r := out.one(t, i)
					if i == bad {
						if r.Failure == nil || r.Failure.Reason != Unsent || !errors.Is(r.Failure.Err, errBad) {
							t.Errorf("element %d: %+v", i, r)
						}
					} else if r.Failure != nil || binary.LittleEndian.Uint64(r.Payload) != uint64(i) {
						t.Errorf("bad is %d, element %d: %+v", bad, i, r)
					}
				}
				if s := e.Stats(); s.Done != 4 || s.Failed != 1 || s.Queued+s.Running != 0 {
					t.Errorf("%+v", s)
				}
				e.End(j)
				shutdown(t, e, f)
			})
		}
	}
}
