//go:build linux

package pipe_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/pipe"
)

// A parcel is an object of the usual kinds.
type parcel struct {
	Text   string
	Number float64
	Parts  []parcel
	Next   *parcel
}

var (
	conformWrites = mp.Func("pipe_test.conformWrites", func(ctx context.Context, c *pipe.Conn) (int, error) {
		f, err := c.RecvFile(ctx)
		if err != nil {
			return 0, err
		}
		_, err = f.WriteString("written by the child")
		return 0, errors.Join(err, f.Close(), c.Close())
	})
	conformEchoes = mp.Func("pipe_test.conformEchoes", func(ctx context.Context, c *pipe.Conn) (n int, err error) {
		defer c.Close()
		for {
			v, err := pipe.Recv[parcel](ctx, c)
			if err != nil || v.Text == "quit" {
				return n, err
			}
			if err := pipe.Send(ctx, c, v); err != nil {
				return n, err
			}
			n++
		}
	})
)

// T155: what a child writes to the file that it was sent is in the file, which its sender has closed by then.
func TestConformFileWrittenByAChild(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	here, there, err := pipe.New()
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(here.SendFile(t.Context(), f), f.Close()); err != nil {
		t.Fatal(err)
	}
	p, err := conformWrites.Start(t.Context(), there)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); string(b) != "written by the child" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}

// T027, T151, T153: a child sends objects back until it is told to quit; then there is nothing but the end.
func TestConformObjectsEchoedByAChild(t *testing.T) {
	here, there, err := pipe.New()
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	p, err := conformEchoes.Start(t.Context(), there)
	if err != nil {
		t.Fatal(err)
	}
	if err := there.Close(); err != nil {
		t.Error(err)
	}
	sent := parcel{"Ωδ \x00", -0.5, []parcel{{Text: "a"}, {Number: 7}}, &parcel{Text: "next"}}
	for range 2 {
		if err := pipe.Send(t.Context(), here, sent); err != nil {
			t.Fatal(err)
		}
		got, err := pipe.Recv[parcel](t.Context(), here)
		if err != nil || got.Text != sent.Text || got.Number != -0.5 || len(got.Parts) != 2 || got.Parts[1].Number != 7 || got.Next.Text != "next" {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if err := pipe.Send(t.Context(), here, parcel{Text: "quit"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := pipe.Recv[parcel](t.Context(), here); !errors.Is(err, io.EOF) {
			t.Errorf("after the end: %v", err)
		}
	}
	if n, err := p.Wait(t.Context()); n != 2 || err != nil {
		t.Error(n, err)
	}
}
