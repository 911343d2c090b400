package engine

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/codec"
)

// given is what was given up: "<A>" to "<Z>" in an argument stand for something that is in one process at a time.
var given struct {
	sync.Mutex
	up []byte
}

func init() {
	find := func(encoded []byte) (found []byte) {
		for i := range max(0, len(encoded)-2) {
			if b := encoded[i : i+3]; b[0] == '<' && b[2] == '>' {
				found = append(found, b...)
			}
		}
		return found
	}
	codec.SetMoveHooks(find, func(encoded []byte) {
		given.Lock()
		given.up = append(given.up, find(encoded)...)
		given.Unlock()
	})
}

// givenUp is what was given up since it was asked last.
func givenUp() string {
	given.Lock()
	defer given.Unlock()
	up := slices.DeleteFunc(given.up, func(c byte) bool { return c == '<' || c == '>' })
	given.up = nil
	slices.Sort(up)
	return string(up)
}

// movingJob is a job whose element i has the argument "<A+i>".
func movingJob() (*Job, *outcomes) {
	j, out := job("f")
	j.Fixed, j.Moves = false, true
	j.Encode = func(dst []byte, i int64) ([]byte, error) {
		if i == 25 {
			return dst, errors.New("not this one")
		}
		codec.Moved()
		return append(dst, '<', 'A'+byte(i), '>'), nil
	}
	return j, out
}

// What moved with an argument is given up when its element has an outcome without having been decoded, once, and only then.
func TestGiveUp(t *testing.T) {
	answer := func(t *testing.T, p *fake, status uint8) {
		if _, arg, ok := p.begin(); !ok || !bytes.HasPrefix(arg, []byte("<")) {
			t.Fatalf("%q, %v", arg, ok)
		}
		if err := p.result(status, nil); err != nil {
			t.Fatal(err)
		}
		p.progress()
	}
	for what, c := range map[string]struct {
		n    int64
		do   func(t *testing.T, e *Engine, f *farm, j *Job)
		want string
	}{
		"results of the function": {5, func(t *testing.T, _ *Engine, f *farm, _ *Job) {
			for _, status := range []uint8{abi.StatusOK, abi.StatusError, abi.StatusPanic, abi.StatusGoexit, abi.StatusEncode} {
				answer(t, f.all[0], status)
			}
		}, ""},
		"not decoded": {3, func(t *testing.T, _ *Engine, f *farm, _ *Job) {
			answer(t, f.all[0], abi.StatusOK)
			answer(t, f.all[0], abi.StatusDecode)
			answer(t, f.all[0], abi.StatusOK)
		}, "B"},
		"the end of the job": {4, func(t *testing.T, e *Engine, f *farm, j *Job) {
			answer(t, f.all[0], abi.StatusOK)
			f.all[0].begin()
			e.End(j)
			e.End(j)
		}, "BCD"},
		"the end of the engine": {2, func(_ *testing.T, e *Engine, _ *farm, _ *Job) { e.Kill() }, "AB"},
		"a death": {3, func(t *testing.T, e *Engine, f *farm, _ *Job) {
			answer(t, f.all[0], abi.StatusOK)
			f.all[0].begin() // it may have got it, and may not
			f.all[0].die(exited(1))
			time.Sleep(time.Second)
			answer(t, f.last(), abi.StatusOK) // the third is sent again
		}, "B"},
	} {
		t.Run(what, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := &farm{t: t}
				e := newEngine(t, f.config(1))
				j, _ := movingJob()
				givenUp()
				begun(t, e, j, c.n)
				c.do(t, e, f, j)
				if got := givenUp(); got != c.want {
					t.Errorf("given up: %q, want %q", got, c.want)
				}
				e.End(j)
				givenUp()
				if len(j.moved.of) > 0 {
					t.Errorf("remembered: %q", slices.Collect(maps.Values(j.moved.of)))
				}
				e.Kill()
			})
		})
	}
}

// An argument that cannot be encoded has moved nothing that is known here; its neighbours have.
func TestGiveUpBesideAnError(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		j, out := movingJob()
		j.Chunk = 30
		givenUp()
		begun(t, e, j, 26)
		if r := out.one(t, 25); r.Failure == nil || r.Failure.Reason != Unsent {
			t.Errorf("%+v", r)
		}
		if got := givenUp(); got != "" {
			t.Errorf("given up: %q", got)
		}
		e.End(j)
		if got := givenUp(); got != "ABCDEFGHIJKLMNOPQRSTUVWXY" {
			t.Errorf("given up: %q", got)
		}
		e.Kill()
	})
}

// A result that nobody wants any more is given up with what is in it.
func TestGiveUpAResult(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(1))
		j, _ := job("f")
		j.Grace = time.Hour
		givenUp()
		begun(t, e, j, 1)
		f.all[0].begin()
		e.End(j)
		if err := f.all[0].result(abi.StatusOK, []byte("<X>")); err != nil {
			t.Fatal(err)
		}
		if got := givenUp(); got != "X" {
			t.Errorf("given up: %q", got)
		}
		f.all[0].progress()
		shutdown(t, e, f)
	})
}

// What is noted of a single argument, before there is an engine, is settled like any other.
func TestGiveUpASingleArgument(t *testing.T) {
	for _, c := range []struct {
		settle func(*Job)
		want   string
	}{
		{func(j *Job) { j.GiveUp(); j.GiveUp() }, "Q"},
		{func(j *Job) { j.Settle(0, Result{Status: abi.StatusOK}); j.GiveUp() }, ""},
		{func(j *Job) { j.Settle(0, Result{Failure: &Failure{Reason: Died}}); j.GiveUp() }, "Q"},
	} {
		j := new(Job)
		since := codec.Moves()
		j.Sent(0, []byte("<Q>"), since) // nothing has moved since
		codec.Moved()
		j.Sent(1, []byte("nothing"), since)
		if j.moved.some.Load() {
			t.Error("noted what has not moved")
		}
		j.Sent(0, []byte("<Q>"), since)
		c.settle(j)
		if got := givenUp(); got != c.want {
			t.Errorf("given up: %q, want %q", got, c.want)
		}
	}
}
