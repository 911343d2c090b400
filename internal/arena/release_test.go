//go:build linux

package arena

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
)

// pages is how many bytes of the arena the system has given pages for.
func pages(t *testing.T, a *Arena) int64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(int(a.File().Fd()), &st); err != nil {
		t.Fatal(err)
	}
	return st.Blocks * 512
}

// written makes an object whose pages are all there.
func written(t *testing.T, a *Arena, size uint64) *abi.Cell {
	t.Helper()
	c, err := a.New(plainKind, size)
	if err != nil {
		t.Fatal(err)
	}
	b := a.Bytes(c.Offset.Load(), size)
	if !all(b, 0) {
		t.Fatalf("%d bytes at %#x are not zero", size, c.Offset.Load())
	}
	fill(b, 0xee)
	a.Publish(c)
	return c
}

// What is freed keeps its pages, up to the high-water mark; above it they go back to the system, by themselves. Either way it is
// zero when it is given out again, and what is in use stays.
func TestPagesGoBack(t *testing.T) {
	a := newArena(t)
	empty := pages(t, a)
	kept := written(t, a, 3<<20)
	const size = 40 << 20
	small := written(t, a, size)
	a.Remove(small, small.Meta.Load())
	if now := pages(t, a); now < empty+size {
		t.Errorf("the pages of %d bytes went back at once", size)
	}
	for range 2 {
		var cells []*abi.Cell
		for range 5 {
			cells = append(cells, written(t, a, size))
		}
		odd := written(t, a, 5<<20+3)
		for _, c := range append(cells, odd) {
			a.Remove(c, c.Meta.Load())
		}
		if now := pages(t, a); now < empty+5*size {
			t.Errorf("only %d bytes are there", now)
		}
		eventually(t, "pages went back", func() bool { return pages(t, a) < empty+highWater+3<<20 && !a.releasing.Load() })
		consistent(t, a)
		if n := a.Stats().Objects; n != 1 {
			t.Errorf("%d objects", n)
		}
	}
	if b := a.Bytes(kept.Offset.Load(), kept.Size.Load()); !all(b, 0xee) {
		t.Error("what is in use has lost its pages")
	}
	if s := a.Stats(); s.Dirty > highWater+size {
		t.Errorf("%+v", s)
	}
}

// Memory that is in use, whatever it is, makes what lies about no less.
func TestPagesGoBackBesideLiveMemory(t *testing.T) {
	a := newArena(t)
	live, err := a.New(plainKind, 300<<20) // and never touched
	if err != nil {
		t.Fatal(err)
	}
	a.Publish(live)
	begun := pages(t, a)
	c := written(t, a, 200<<20)
	a.Remove(c, c.Meta.Load())
	eventually(t, "pages went back", func() bool { return pages(t, a) < begun+highWater+1<<20 })
}

// The same memory is used and freed again and again: it stays, for it is never more than the high-water mark.
func TestPagesStay(t *testing.T) {
	a := newArena(t)
	for range 20 {
		c := written(t, a, 30<<20)
		a.Remove(c, c.Meta.Load())
	}
	if a.releasing.Load() {
		t.Error("pages are about to go back")
	}
	if s := a.Stats(); s.Dirty != 30<<20 || s.Peak != 32<<20 {
		t.Errorf("%+v", s)
	}
}
