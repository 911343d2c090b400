package engine

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/go-multiproc/mp/internal/abi"
)

func wordJob(fn uint32, arg byte) func() *Job {
	return func() *Job { return &Job{Function: "word", Func: fn, Arg: []byte{arg}, Abort: func(*Failure) {}} }
}

func wordDone(r Result) error {
	if r.Failure != nil || r.Status != abi.StatusOK {
		return errSetup
	}
	return nil
}

// broadcast starts a Broadcast, which has told everybody when it returns.
func broadcast(ctx context.Context, e *Engine, fn uint32, arg byte) chan error {
	c := make(chan error, 1)
	go func() { c <- e.Broadcast(ctx, wordJob(fn, arg), wordDone) }()
	synctest.Wait()
	return c
}

// runs makes a fake run what it has, and returns the arguments.
func runs(t *testing.T, p *fake) (args []byte) {
	t.Helper()
	for {
		_, arg, ok := p.begin()
		if !ok {
			p.progress()
			return args
		}
		args = append(args, arg...)
		if err := p.result(abi.StatusOK, arg); err != nil {
			t.Fatal(err)
		}
	}
}

func wants(t *testing.T, what string, c chan error, want error) {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-c:
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, not %v", what, err, want)
		}
	default:
		t.Errorf("%s: it has not ended", what)
	}
}

// What is kept does not grow, and a worker that comes later runs it in its order, and then what is under way.
func TestBroadcastKeepsTheLast(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e, err := New(t.Context(), f.config(2))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Kill)
		first, second := f.all[0], f.all[1]
		for i := range 100 {
			c := broadcast(t.Context(), e, uint32(i%3), byte(i))
			runs(t, first)
			runs(t, second)
			wants(t, "a broadcast", c, nil)
		}
		if n := len(e.broadcasts.kept); n != 3 {
			t.Errorf("%d are kept", n)
		}
		second.Kill()
		synctest.Wait()
		third := f.last()
		c := broadcast(t.Context(), e, 1, 200)
		runs(t, first)
		if got := runs(t, third); !slices.Equal(got, []byte{97, 98, 99, 200}) {
			t.Errorf("the successor runs %v", got)
		}
		wants(t, "the broadcast meanwhile", c, nil)
	})
}

// Without room it waits, nothing else goes before it, and when it is cancelled the worker gets work again.
func TestBroadcastWithoutRoom(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e, err := New(t.Context(), f.config(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Kill)
		p := f.all[0]
		for _, cancelled := range []bool{true, false} {
			p.set(func(p *fake) { p.noRoom = true })
			ctx, cancel := context.WithCancel(t.Context())
			c := broadcast(ctx, e, 1, 7)
			outcome := make(chan Result, 1)
			j := &Job{Function: "f", Func: 2, Arg: []byte{8}, Deliver: func(_ int64, r Result) { outcome <- r }, Abort: func(*Failure) {}}
			if err := e.Begin(j); err != nil {
				t.Fatal(err)
			}
			e.Add(j, 1)
			p.set(func(p *fake) { p.noRoom = false })
			want := []byte{7, 8}
			if cancelled {
				cancel()
				wants(t, "a cancelled one", c, context.Canceled)
				want = []byte{8}
			} else {
				p.progress()
			}
			if got := runs(t, p); !slices.Equal(got, want) {
				t.Errorf("cancelled %v: it runs %v", cancelled, got)
			}
			if !cancelled {
				wants(t, "one that waited for room", c, nil)
			}
			<-outcome
			e.Finished(j)
			cancel()
		}
	})
}
