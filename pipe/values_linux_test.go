package pipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/codec"
)

// T151: values arrive as they were when they were sent, of the type that is asked for; what cannot be sent leaves nothing.
func TestValues(t *testing.T) {
	a, b := pair(t)
	want := answer{"text", map[string]int{"a": 1}}
	ok(t, Send(ctx, a, want))
	want.Count["b"] = 2 // later changes are not sent
	got, err := Recv[answer](ctx, b)
	if err != nil || got.Text != "text" || len(got.Count) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	ok(t, Send(ctx, a, struct{}{}))
	_, err = Recv[struct{}](ctx, b)
	ok(t, err)
	large := bytes.Repeat([]byte("0123456789"), ringSize)
	go func() { _ = Send(ctx, a, large) }()
	if got, err := Recv[[]byte](ctx, b); err != nil || !bytes.Equal(got, large) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	// Another type.
	ok(t, Send(ctx, a, want))
	ok(t, Send(ctx, a, 7))
	_, err = Recv[int](ctx, b)
	var typeErr *TypeError
	if !errors.As(err, &typeErr) || typeErr.Want != "int" {
		t.Fatal(err)
	}
	if n, err := Recv[int](ctx, b); n != 7 || err != nil {
		t.Fatal(n, err)
	}
	// What cannot be sent leaves nothing.
	var codecErr *codec.TypeError
	if err := Send(ctx, a, make(chan int)); !errors.As(err, &codecErr) {
		t.Fatal(err)
	}
	type loop struct{ Next *loop }
	l := &loop{}
	l.Next = l
	wants(t, "a cycle", Send(ctx, a, l), codec.ErrCycle)
	if _, err := b.Poll(ended()); err == nil {
		t.Fatal("something was sent")
	}
}

type unruly struct{ How byte }

func (u unruly) MarshalBinary() ([]byte, error) { return []byte{u.How}, nil }

func (u *unruly) UnmarshalBinary(b []byte) error {
	if b[0] == 'p' {
		panic("unruly")
	}
	return errors.New("unruly")
}

// A value that does not decode is an error, and consumed.
func TestValuesThatDoNotDecode(t *testing.T) {
	a, b := pair(t)
	ok(t, Send(ctx, a, unruly{'p'}))
	ok(t, Send(ctx, a, unruly{'e'}))
	for range 2 {
		if v, err := Recv[unruly](ctx, b); err == nil || v.How != 0 {
			t.Fatal(v, err)
		}
	}
	typ, err := typeOf[int]()
	ok(t, err)
	ok(t, a.send(ctx, abi.PipeValue, append(typ.print[:], 1, 2, 3)))
	_, err = Recv[int](ctx, b)
	wants(t, "too short", err, codec.ErrCorrupt)
	ok(t, a.send(ctx, abi.PipeValue, append(typ.print[:], make([]byte, 9)...)))
	_, err = Recv[int](ctx, b)
	wants(t, "too long", err, codec.ErrCorrupt)
}

// T157: a message of another kind stays, for who asks for the right one.
func TestKinds(t *testing.T) {
	noLeaks(t)
	a, b := pair(t)
	_, err := b.Poll(ended())
	wants(t, "nothing", err, context.Canceled)
	go func() {
		_ = a.SendBytes(ctx, pattern(3*ringSize))
		_ = Send(ctx, a, string(pattern(3*ringSize)))
		_ = a.SendFile(ctx, os.Stdin)
	}()
	asBytes := func() error { _, err := b.RecvAppend(ctx, nil); return err }
	asValue := func() error { _, err := Recv[string](ctx, b); return err }
	asFile := func() error {
		f, err := b.RecvFile(ctx)
		if f != nil {
			f.Close()
		}
		return err
	}
	for _, others := range [][3]func() error{{asValue, asFile, asBytes}, {asBytes, asFile, asValue}, {asBytes, asValue, asFile}} {
		for range 2 {
			wants(t, "another kind", others[0](), ErrKind)
			wants(t, "another kind", others[1](), ErrKind)
		}
		ok(t, others[2]())
	}
}

// The errors of this package are known in other processes.
func TestErrorsTravel(t *testing.T) {
	a, b := pair(t)
	for _, want := range []error{ErrTooLarge, ErrCorrupt, ErrKind, ErrMoved, ErrClosed, ErrFull, io.EOF} {
		ok(t, Send[error](ctx, a, fmt.Errorf("wrapped: %w", want)))
		got, err := Recv[error](ctx, b)
		ok(t, err)
		wants(t, "travelled", got, want)
	}
	ok(t, Send[error](ctx, a, &TypeError{"int"}))
	got, err := Recv[error](ctx, b)
	ok(t, err)
	var typeErr *TypeError
	if !errors.As(got, &typeErr) || typeErr.Want != "int" {
		t.Errorf("%v", got)
	}
}
