//go:build linux

package arena

import (
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
)

// Sizes at the edges: what is given out has room, is aligned to its block, is zero, and comes back.
func TestSizes(t *testing.T) {
	a := newArena(t)
	for range 2 { // the second time the memory was used
		for _, c := range []struct {
			size  uint64
			order int
		}{
			{0, 0}, {1, 0}, {255, 0}, {256, 0}, {257, 1}, {512, 1}, {513, 2}, {64 << 10, 8}, {64<<10 + 1, 9}, {3 << 20, 14},
			{abi.MinArena / 2, 21},
		} {
			before := a.Stats().Used
			cell, err := a.New(plainKind, c.size)
			if err != nil {
				t.Errorf("%d bytes: %v", c.size, err)
				continue
			}
			want := int64(abi.Granule) << c.order
			if c.size == 0 {
				want = 0
			}
			if got := a.Stats().Used - before; got != want {
				t.Errorf("%d bytes take %d, not %d", c.size, got, want)
			}
			if c.size > 0 && c.size <= 4<<20 {
				b := a.Bytes(cell.Offset.Load(), c.size)
				if !all(b, 0) {
					t.Errorf("%d bytes are not zero", c.size)
				}
				fill(b, 0xa5)
			}
			a.Publish(cell)
			if !a.Remove(cell, cell.Meta.Load()) {
				t.Errorf("%d bytes were freed before", c.size)
			}
		}
	}
	for _, size := range []uint64{abi.MinArena/2 + 1, abi.MinArena, 1 << 40, 1<<64 - 1} {
		if _, err := a.New(plainKind, size); !errors.Is(err, ErrNoMemory) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	empty(t, a)
}

// All memory is given out, and what comes back is given out again; what failed holds nothing.
func TestNoMemoryIsLeft(t *testing.T) {
	a := newArena(t)
	var cells []*abi.Cell
	for size := uint64(abi.MinArena / 2); size >= 64<<10; {
		c, err := a.NewDirty(plainKind, size)
		if errors.Is(err, ErrNoMemory) {
			size /= 2
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		a.Publish(c)
		cells = append(cells, c)
	}
	if used, all := a.Stats().Used, int64(abi.MinArena-prefix(abi.MinArena)); used != all {
		t.Errorf("%d bytes are in use, of %d", used, all)
	}
	if _, err := a.New(plainKind, 1); !errors.Is(err, ErrNoMemory) {
		t.Error(err)
	}
	if c, err := a.New(plainKind, 0); err != nil {
		t.Errorf("what needs no memory: %v", err)
	} else {
		a.Free(c)
	}
	consistent(t, a)
	last := cells[len(cells)-1]
	a.Remove(last, last.Meta.Load())
	if c, err := a.New(plainKind, 1); err != nil {
		t.Errorf("some came back: %v", err)
	} else {
		a.Free(c)
	}
	for _, c := range cells[:len(cells)-1] {
		a.Remove(c, c.Meta.Load())
	}
	empty(t, a)
}

// All cells are given out, and what comes back is given out again; what failed holds no memory.
func TestNoCellIsLeft(t *testing.T) {
	a := newArena(t)
	var cells []*abi.Cell
	for {
		c, err := a.New(plainKind, 0)
		if errors.Is(err, ErrNoMemory) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		cells = append(cells, c)
	}
	if len(cells) != int(a.cells)-1 {
		t.Errorf("%d cells were given out, of %d", len(cells), a.cells)
	}
	if _, err := a.New(plainKind, 1000); !errors.Is(err, ErrNoMemory) || a.Stats().Used != 0 {
		t.Errorf("%v, %d bytes in use", err, a.Stats().Used)
	}
	consistent(t, a)
	a.Free(cells[77])
	if c, err := a.New(plainKind, 1000); c != cells[77] {
		t.Error("the free cell was not given out", err)
	}
	for _, c := range cells {
		a.Free(c)
	}
	empty(t, a)
}

// A cell's generation grows with each use, and nothing of one sticks to the next.
func TestCellsAreReused(t *testing.T) {
	a := newArena(t)
	var first *abi.Cell
	for gen := range uint32(5) {
		c, err := a.New(plainKind, 100)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = c
		}
		if c != first || abi.Gen(c.Meta.Load()) != gen+1 {
			t.Errorf("cell %d, generation %d", a.Number(c), abi.Gen(c.Meta.Load()))
		}
		for i, word := range c.Words() {
			if word.Load() != 0 {
				t.Errorf("word %d is %#x", i, word.Load())
			}
			word.Store(^uint64(0))
		}
		for _, lock := range []*atomic.Uint32{&c.Lock, &c.Guard} {
			if lock.Load() != abi.LockFreed {
				t.Error("a lock can be taken before the object is there")
			}
		}
		if a.Referred(a.Ref(c)) != nil {
			t.Error("it is referred to before it is there")
		}
		a.Publish(c)
		meta, ref := c.Meta.Load(), a.Ref(c)
		if c.Lock.Load() != 0 || c.Guard.Load() != 0 || a.Referred(ref) != c {
			t.Error("it is not there")
		}
		if a.End(c, meta+1<<32) || !a.End(c, meta) || a.End(c, meta) {
			t.Error("it ends once")
		}
		a.Free(c)
		if a.Referred(ref) != nil || c.Lock.Load() != abi.LockFreed || a.Remove(c, meta) {
			t.Error("it is there after its end")
		}
	}
	empty(t, a)
}

// What a process keeps for an object is the same for every handle on it, and no handle of another time takes it away.
func TestLocals(t *testing.T) {
	a := newArena(t)
	c, err := a.New(plainKind, 0)
	if err != nil {
		t.Fatal(err)
	}
	a.Publish(c)
	n, meta := a.Number(c), c.Meta.Load()
	l := a.Local(n, meta)
	stale := abi.Meta(abi.Gen(meta)-1, plainKind, abi.CellLive)
	if a.Local(n, stale) == l {
		t.Error("it is another object's as well")
	}
	a.Local(n, abi.Meta(abi.Gen(meta)+1, plainKind, abi.CellLive)) // of a handle that somebody made up
	if a.Local(n, meta) != l {
		t.Error("a handle of another time took it away")
	}
	a.Remove(c, meta)
	c, err = a.New(plainKind, 0)
	if err != nil {
		t.Fatal(err)
	}
	a.Publish(c)
	if a.Number(c) != n || a.Local(n, c.Meta.Load()) == l {
		t.Error("the next object has what was the last one's")
	}
	a.Remove(c, c.Meta.Load())
}

// Offsets and numbers from elsewhere lead nowhere else.
func TestBounds(t *testing.T) {
	a := newArena(t)
	size, begin := a.size(), prefix(a.size())
	for _, c := range []struct {
		off, size uint64
		ok        bool
	}{
		{begin, 0, true}, {begin, size - begin, true}, {size - 1, 1, true},
		{0, 1, false}, {begin - 1, 1, false}, {size, 0, false}, {size - 1, 2, false}, {begin, size, false}, {1<<64 - 1, 1, false},
		{begin, 1<<64 - 1, false},
	} {
		if b := a.Bytes(c.off, c.size); (b != nil) != c.ok || b != nil && uint64(len(b)) != c.size {
			t.Errorf("%d bytes at %#x: %d", c.size, c.off, len(b))
		}
	}
	for n, ok := range map[uint32]bool{0: false, 1: true, a.cells - 1: true, a.cells: false, 1<<32 - 1: false} {
		if c := a.Cell(n); (c != nil) != ok || c != nil && a.Number(c) != n {
			t.Errorf("cell %d is %p", n, c)
		}
	}
}

// What there is no room for is tried in half the size; what fails in another way is not tried again.
func TestCreateFallsBack(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOMEM, syscall.EFBIG} {
		for _, room := range []int64{abi.MaxArena, abi.MinArena, 2 * abi.MinArena} {
			k := osenv.Default()
			system := k.SharedMemory
			k.SharedMemory = func(name string, size int64) (*os.File, error) {
				if size > room {
					return nil, os.NewSyscallError("ftruncate", errno)
				}
				return system(name, size)
			}
			a, err := Create(k)
			if err != nil {
				t.Fatal(err)
			}
			if a.Stats().Size != room {
				t.Errorf("%v above %d: the arena has %d", errno, room, a.Stats().Size)
			}
		}
	}
	tries := 0
	k := &osenv.Kernel{SharedMemory: func(string, int64) (*os.File, error) { tries++; return nil, syscall.ENOMEM }}
	if _, err := Create(k); !errors.Is(err, syscall.ENOMEM) || !strings.Contains(err.Error(), "no room for shared memory, not even for 1024 MiB") {
		t.Error(err)
	}
	if tries != 7 {
		t.Errorf("it was tried %d times", tries)
	}
	tries = 0
	k.SharedMemory = func(string, int64) (*os.File, error) { tries++; return nil, syscall.ENOSYS }
	if _, err := Create(k); !errors.Is(err, syscall.ENOSYS) || tries != 1 {
		t.Errorf("%v after %d tries", err, tries)
	}
}

// What is no arena is refused.
func TestOpenRefuses(t *testing.T) {
	for _, size := range []int64{0, 4096, abi.MinArena - 4096, abi.MinArena + 4096, 3 * abi.MinArena, 2 * abi.MaxArena, abi.MinArena} {
		f, err := osenv.Default().SharedMemory("arena", size)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(f); err == nil {
			t.Errorf("%d bytes were opened", size)
		}
		f.Close()
	}
}

func TestStats(t *testing.T) {
	a := newArena(t)
	c, err := a.New(plainKind, 1000)
	if err != nil {
		t.Fatal(err)
	}
	s := a.Stats()
	if s.Size != abi.MinArena || s.Used != 1024 || s.Peak != 1024 || s.Objects != 1 || s.Allocs != 1 || s.Frees != 0 || s.Dirty != 0 {
		t.Errorf("%+v", s)
	}
	if len(s.Processes) != 1 || s.Processes[a.F.Me] != os.Getpid() {
		t.Errorf("%v", s.Processes)
	}
	a.Free(c)
	if s = a.Stats(); s.Used != 0 || s.Peak != 1024 || s.Objects != 0 || s.Frees != 1 || s.Dirty != abi.Chunk {
		t.Errorf("%+v", s)
	}
}
