package pipe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
)

func TestBasics(t *testing.T) {
	ctx := context.Background()
	a, b, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 7, 8, 9, 64, 65535, 65536, 65537, 1 << 20, 5<<20 + 3} {
		want := bytes.Repeat([]byte{byte(n), 2, 3}, n/3+1)[:n]
		go func() {
			if err := a.SendBytes(ctx, want); err != nil {
				t.Error(err)
			}
		}()
		got, err := b.RecvBytes(ctx)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: %d, %v", n, len(got), err)
		}
	}
	n := 0
	for ; ; n++ {
		if err := a.TrySendBytes(make([]byte, 1000)); err != nil {
			if !errors.Is(err, ErrFull) {
				t.Fatal(err)
			}
			break
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for range n {
		if m, err := b.RecvBytes(ctx); err != nil || len(m) != 1000 {
			t.Fatal(err)
		}
	}
	if _, err := b.RecvBytes(ctx); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if err := b.SendBytes(ctx, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.RecvBytes(ctx); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
}
func BenchmarkStream(b *testing.B) {
	x, y, _ := New()
	ctx := context.Background()
	go func() {
		m := make([]byte, 64)
		for range b.N {
			_ = x.SendBytes(ctx, m)
		}
	}()
	var buf []byte
	b.ReportAllocs()
	for range b.N {
		buf, _ = y.RecvAppend(ctx, buf[:0])
	}
}
func BenchmarkPingPong(b *testing.B) {
	x, y, _ := New()
	ctx := context.Background()
	go func() {
		var m []byte
		for range b.N {
			m, _ = x.RecvAppend(ctx, m[:0])
			_ = x.SendBytes(ctx, m)
		}
	}()
	buf := make([]byte, 64)
	b.ReportAllocs()
	for range b.N {
		_ = y.SendBytes(ctx, buf)
		buf, _ = y.RecvAppend(ctx, buf[:0])
	}
}
func BenchmarkMiB(b *testing.B) {
	x, y, _ := New()
	ctx := context.Background()
	b.SetBytes(1 << 20)
	go func() {
		m := make([]byte, 1<<20)
		for range b.N {
			_ = x.SendBytes(ctx, m)
		}
	}()
	var buf []byte
	b.ReportAllocs()
	for range b.N {
		buf, _ = y.RecvAppend(ctx, buf[:0])
	}
}
