//go:build linux

package pipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/codec"
	"github.com/go-multiproc/mp/internal/office"
)

// What is under way stays: messages, a part of a large one, received by nobody or looked at by Poll; and files.
func TestMoveWithWhatIsUnderWay(t *testing.T) {
	onBoth(t, func(t *testing.T, x mp.Executor) {
		for _, size := range []int{1, 100_000, 1 << 20, 6 << 20} {
			here, there := newEnds(t)
			sent := make(chan error, 1)
			go func() { sent <- here.SendBytes(ctx, pattern(size)) }()
			_, err := there.Poll(ctx)
			ok(t, err)
			if good, err := receives.Call(ctx, x, there); !good || err != nil {
				t.Error(size, good, err)
			}
			ok(t, <-sent)
		}
		here, there := newEnds(t)
		want := ""
		for i := range 20 {
			f, err := os.CreateTemp(t.TempDir(), "")
			ok(t, err)
			text := fmt.Sprint(i, ",")
			_, err = f.WriteString(text)
			ok(t, errors.Join(err, here.SendFile(ctx, f), f.Close()))
			want += text
		}
		got, err := there.RecvFile(ctx)
		ok(t, errors.Join(err, got.Close(), here.Close()))
		if s, err := takesFiles.Call(ctx, x, there); "0,"+s != want || err != nil {
			t.Error(s, err)
		}
	})
}

// Half a message has come, and a part of it was received, when the end moves. The larger part is more than the office takes.
func TestMoveInTheMiddleOfAMessage(t *testing.T) {
	onBoth(t, func(t *testing.T, x mp.Executor) {
		for _, part := range []int{1, 5 << 20} {
			here, there := newEnds(t)
			sent := make(chan error, 1)
			go func() { sent <- here.SendBytes(ctx, pattern(8<<20)) }()
			eventually(t, "a part has come", func() bool {
				whole, err := there.Poll(ended())
				wants(t, "Poll", err, context.Canceled)
				there.rx.mu.Lock()
				defer there.rx.mu.Unlock()
				return !whole && len(there.in.kept) >= part
			})
			if good, err := receives.Call(ctx, x, there); !good || err != nil {
				t.Error(good, err)
			}
			ok(t, <-sent)
		}
	})
}

// Who waits at an end that moves is told.
func TestMoveWakes(t *testing.T) {
	noLeaks(t)
	here, there := newEnds(t)
	results := make(chan error)
	go func() { _, err := there.RecvBytes(ctx); results <- err }()
	go func() { results <- there.SendBytes(ctx, make([]byte, 1<<20)) }()
	eventually(t, "a part of a message is under way", func() bool {
		there.tx.mu.Lock()
		defer there.tx.mu.Unlock()
		return there.tx.taken
	})
	b := must(there.MarshalBinary())
	for range 2 {
		wants(t, "who waited", <-results, ErrMoved)
	}
	back := new(Conn)
	ok(t, back.UnmarshalBinary(b))
	defer back.Close()
	ok(t, back.SendBytes(ctx, []byte("whole")))
	// What was cut short is never seen.
	if b, err := here.RecvBytes(ctx); string(b) != "whole" || err != nil {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

// The bytes of an end are good for one process, once.
func TestMoveOnce(t *testing.T) {
	x := goroutines()
	noLeaks(t)
	here, there := newEnds(t)
	b, err := there.MarshalBinary()
	ok(t, err)
	again, err := there.MarshalBinary()
	ok(t, err)
	if !bytes.Equal(b, again) {
		t.Errorf("%x, then %x", b, again)
	}
	got := new(Conn)
	ok(t, got.UnmarshalBinary(b))
	wants(t, "a second time", new(Conn).UnmarshalBinary(b), ErrMoved)
	wants(t, "into one in use", got.UnmarshalBinary(b), errInUse)
	_, err = there.MarshalBinary()
	wants(t, "when somebody has it", err, ErrMoved)
	_, err = echoes.Call(ctx, x, there)
	wants(t, "as an argument", err, ErrMoved)
	_, err = got.MarshalBinary()
	ok(t, err)
	ok(t, got.Close()) // which does nothing: it has gone
	giveUp(append(append([]byte("in others "), must(got.MarshalBinary())...), " and behind"...))
	_, err = got.MarshalBinary()
	wants(t, "when it was given up", err, ErrMoved)
	_, err = here.RecvBytes(ctx)
	wants(t, "the other end", err, io.EOF)
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// What is no end of this family, or none any more, says so.
func TestMoveRefused(t *testing.T) {
	noLeaks(t)
	_, there := newEnds(t)
	_, err := new(Conn).MarshalBinary()
	wants(t, "a zero Conn", err, errNone)
	ok(t, there.Close())
	_, err = there.MarshalBinary()
	wants(t, "a closed one", err, ErrClosed)
	_, err = echoes.Start(ctx, there)
	wants(t, "a closed one as an argument", err, ErrClosed)

	_, there = newEnds(t)
	good := must(there.MarshalBinary())
	defer giveUp(good)
	for n := range good {
		wants(t, "cut short", new(Conn).UnmarshalBinary(good[:n]), errBytes)
	}
	wants(t, "too long", new(Conn).UnmarshalBinary(append(bytes.Clone(good), 0)), errBytes)
	for i := range good {
		bad := bytes.Clone(good)
		bad[i]++
		want := ErrDetached
		if i < 1 {
			want = errBytes
		} else if i >= len(good)-16 {
			want = ErrMoved
		}
		wants(t, fmt.Sprint("byte ", i), new(Conn).UnmarshalBinary(bad), want)
	}
}

// T183: a member that deposits what is no end hurts itself.
func TestMoveOfNonsense(t *testing.T) {
	noLeaks(t)
	f, err := os.Open(os.DevNull)
	ok(t, err)
	defer f.Close()
	good := ringState{}
	state, err := ringStates.Append([]byte{0}, &good)
	ok(t, err)
	for what, d := range map[string]struct {
		state []byte
		files []*os.File
	}{
		"nothing":        {},
		"no state":       {[]byte{0}, []*os.File{f, f}},
		"another place":  {[]byte{9}, []*os.File{f, f}},
		"no file":        {[]byte{1}, nil},
		"an empty file":  {[]byte{1}, []*os.File{f, f, f}},
		"no memory":      {state, []*os.File{f, f}},
		"too few files":  {state, nil},
		"too many files": {state, []*os.File{f, f, f}},
		"no socket":      {state, []*os.File{f}},
	} {
		token := office.NewToken()
		ok(t, office.Put(token, d.state, d.files))
		b := append([]byte{abi.PipeMoveVersion}, familyID()...)
		if err := new(Conn).UnmarshalBinary(append(b, token[:]...)); err == nil {
			t.Error(what)
		}
	}
}

// An end that everybody has forgotten is closed.
func TestForgottenEnd(t *testing.T) {
	noLeaks(t)
	here, there := newEnds(t)
	func() {
		got := new(Conn)
		ok(t, got.UnmarshalBinary(must(there.MarshalBinary())))
	}()
	done := make(chan error, 1)
	go func() { _, err := here.RecvBytes(ctx); done <- err }()
	eventually(t, "the other end sees it", func() bool {
		runtime.GC()
		select {
		case err := <-done:
			wants(t, "RecvBytes", err, io.EOF)
			return true
		default:
			return false
		}
	})
}

// Ends are found among other bytes, whatever these are.
func TestEndsIn(t *testing.T) {
	one := append(append([]byte{1}, familyID()...), bytes.Repeat([]byte{7}, 16)...)
	two := append(bytes.Clone(one[:len(one)-1]), 8)
	for _, c := range []struct{ in, want []byte }{
		{nil, nil}, {familyID(), nil}, {one[:len(one)-1], nil}, {one[1:], nil},
		{one, one}, {append(bytes.Clone(one), two...), append(bytes.Clone(one), two...)},
		{append(append([]byte("x"), one...), append([]byte("y"), one[:20]...)...), one},
	} {
		if got := endsIn(c.in); !bytes.Equal(got, c.want) {
			t.Errorf("in %x: %x", c.in, got)
		}
	}
	before := codec.Moves()
	if codec.MovedInto(one, before) != nil {
		t.Error("nothing has moved")
	}
}

var movesMany = mp.Func("movesMany", func(_ context.Context, n int) (time.Duration, error) {
	here, there, err := New()
	if err != nil {
		return 0, err
	}
	defer here.Close()
	begun := time.Now()
	for range n {
		b, err := there.MarshalBinary()
		if err != nil {
			return 0, err
		}
		there = new(Conn)
		if err := there.UnmarshalBinary(b); err != nil {
			return 0, err
		}
	}
	return time.Since(begun), there.Close()
})

// An end that moves to the process in which it is: in the root, and in a worker, which asks the root twice.
func BenchmarkMove(b *testing.B) {
	for name, x := range map[string]mp.Executor{"root": goroutines(), "worker": newPool(b, 1)} {
		b.Run(name, func(b *testing.B) {
			took, err := movesMany.Call(ctx, x, b.N)
			ok(b, err)
			b.ReportMetric(float64(took.Nanoseconds())/float64(b.N), "ns/move")
		})
	}
}
