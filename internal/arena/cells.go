package arena

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/robust"
)

// ErrNoMemory reports an arena that is full.
var ErrNoMemory = errors.New("shared memory is full")

// New makes a cell with size bytes of memory, all zero, that belongs to this process until Publish. With 0 bytes it has none.
func (a *Arena) New(kind uint8, size uint64) (*abi.Cell, error) {
	return a.make(kind, size, true)
}

// NewDirty is New with memory that may hold anything.
func (a *Arena) NewDirty(kind uint8, size uint64) (*abi.Cell, error) {
	return a.make(kind, size, false)
}

func (a *Arena) make(kind uint8, size uint64, zero bool) (*abi.Cell, error) {
	if size > a.size()/2 {
		return nil, fmt.Errorf("%w: %d bytes were asked for, the arena has %d", ErrNoMemory, size, a.size())
	}
	c, off, err := a.alloc(kind, size)
	if err == nil {
		a.use(off, size, zero)
	}
	return c, err
}

// alloc takes memory and a cell.
func (a *Arena) alloc(kind uint8, size uint64) (c *abi.Cell, off uint64, err error) {
	a.lockHeap()
	defer a.unlockHeap()
	if size == 0 {
		c, err = a.describe(kind, 0, 0)
		return c, 0, err
	}
	order := orderOf(size)
	off, ok := a.tree.find(order)
	if !ok {
		return nil, 0, fmt.Errorf("%w: %d bytes were asked for", ErrNoMemory, size)
	}
	if off < prefix(a.size()) {
		return nil, 0, errDamaged // to give out the cells themselves would damage everything
	}
	a.take(off, order)
	c, err = a.describe(kind, off, size)
	if err != nil {
		a.tree.give(off, order)
	}
	return c, off, err
}

// errDamaged reports an arena in which somebody wrote who should not.
var errDamaged = errors.New("shared memory is damaged")

// A block is what a cell says of its memory.
type block struct {
	off, size uint64
	order     int
}

// block reads that once, and checks it: whoever has lost its mind, or is not what it seems, may have written there. ok is false if
// no allocator gave it out, so nothing is to be done with it.
func (a *Arena) block(c *abi.Cell) (b block, ok bool) {
	order := uint64(c.Order.Load())
	b = block{c.Offset.Load(), c.Size.Load(), int(order)}
	if b.size == 0 {
		return block{}, true
	}
	if order > uint64(a.tree.top) {
		return block{}, false
	}
	length := uint64(abi.Granule) << order
	if b.off < prefix(a.size()) || b.off >= a.size() || b.off%length != 0 || length > a.size()-b.off || b.size > length {
		return block{}, false
	}
	return b, true
}

// take takes a block that is free in the tree. Who rebuilds the tree clears it up to HeapTop, so that grows first.
func (a *Arena) take(off uint64, order int) {
	if end := off + abi.Granule<<order; end > a.Header.HeapTop.Load() {
		a.Header.HeapTop.Store(end)
	}
	a.tree.mark(off, order)
	robust.At("allocate: memory taken")
}

// heapTop is up to where memory was ever given out.
func (a *Arena) heapTop() uint64 {
	return min(max(a.Header.HeapTop.Load(), prefix(a.size())), a.size())
}

// describe makes a cell for memory that was taken in the tree. That is one step, the store to Meta: before it the tree and the list
// of free cells say less than the cells, and are built anew; after it the cell is this process's, and a sweep frees it. Under the
// heap's lock.
func (a *Arena) describe(kind uint8, off, size uint64) (*abi.Cell, error) {
	h := a.Header
	n := uint32(min(h.FreeCell.Load(), uint64(a.cells-1)))
	fresh := n == 0
	if fresh {
		if n = uint32(min(h.CellTop.Load(), uint64(a.cells))); n == 0 || n >= a.cells {
			return nil, fmt.Errorf("%w: %d objects", ErrNoMemory, n-1)
		}
	} else {
		h.FreeCell.Store(a.cell(n).Next.Load())
		robust.At("allocate: cell taken")
	}
	order := orderOf(size)
	c := a.cell(n)
	c.Lock.Store(abi.LockFreed) // a fresh cell's is 0
	c.Guard.Store(abi.LockFreed)
	c.Offset.Store(off)
	c.Size.Store(size)
	c.Order.Store(uint32(order))
	c.Owner.Store(a.F.Me)
	for _, word := range c.Words() {
		word.Store(0)
	}
	robust.At("allocate: described")
	c.Meta.Store(abi.Meta(abi.Gen(c.Meta.Load())+1, kind, abi.CellBuilding)) // SYNC POINT cell
	robust.At("allocate: given out")
	if fresh {
		h.CellTop.Store(uint64(n) + 1)
	}
	h.Objects.Add(1)
	h.Allocs.Add(1)
	if size > 0 {
		h.Used.Add(abi.Granule << order)
	}
	robust.At("allocate: counted")
	return c, nil
}

// Ref names an object for its parts.
func (a *Arena) Ref(c *abi.Cell) uint64 {
	return uint64(abi.Gen(c.Meta.Load()))<<32 | uint64(a.Number(c))
}

// Referred is the live object of such a name, nil if it is gone.
func (a *Arena) Referred(ref uint64) *abi.Cell {
	c := a.Cell(uint32(ref))
	if c == nil {
		return nil
	}
	meta := c.Meta.Load() // SYNC POINT cell: pairs with the stores of states
	if abi.Gen(meta) != uint32(ref>>32) || abi.State(meta) != abi.CellLive {
		return nil
	}
	return c
}

// Parts calls fn with the live parts of an object. It looks at every cell.
func (a *Arena) Parts(ref uint64, fn func(c *abi.Cell, meta uint64)) {
	for n := uint32(1); n < a.top(); n++ {
		c := a.cell(n)
		if meta := c.Meta.Load(); abi.State(meta) == abi.CellLive && c.Parent.Load() == ref && Kinds[abi.Kind(meta)].Part {
			fn(c, meta)
		}
	}
}

// Remove ends and frees an object without others in it.
func (a *Arena) Remove(c *abi.Cell, meta uint64) bool {
	if !a.End(c, meta) {
		return false
	}
	a.Free(c)
	return true
}

// Publish makes the object live: from here on it belongs to nobody. Its locks are freed until then: one that somebody with an old
// handle takes for a moment, and dies with, is looked after by the sweep as that of a live object, and not before.
func (a *Arena) Publish(c *abi.Cell) {
	robust.At("publish: built")
	c.Meta.Store(abi.Meta(abi.Gen(c.Meta.Load()), abi.Kind(c.Meta.Load()), abi.CellLive)) // SYNC POINT cell
	c.Guard.Store(0)
	c.Lock.Store(0)
	robust.At("publish: live")
}

// End takes an object out of use: no handle fits it any more, and this process has to Free it. It reports false if that
// was done before.
func (a *Arena) End(c *abi.Cell, meta uint64) bool {
	a.lockHeap()
	defer a.unlockHeap()
	if c.Meta.Load() != meta {
		return false
	}
	c.Owner.Store(a.F.Me)
	robust.At("end: owned")
	c.Meta.Store(abi.Meta(abi.Gen(meta), abi.Kind(meta), abi.CellEnding)) // SYNC POINT cell
	robust.At("end: ending")
	return true
}

// Alive calls fn if the object is, and it stays so meanwhile. Who dies in fn dies with the heap's lock.
func (a *Arena) Alive(c *abi.Cell, meta uint64, fn func()) {
	a.lockHeap()
	defer a.unlockHeap()
	if c.Meta.Load() == meta {
		fn()
	}
}

// Free gives back a cell that is building or ending, and its memory.
func (a *Arena) Free(c *abi.Cell) {
	c.Lock.Store(abi.LockFreed)
	c.Guard.Store(abi.LockFreed)
	a.free(c, false)
	a.releaseSoon()
}

// free is one step, the store to Meta. What comes before it only makes memory dirty that may be dirty; the tree and the list
// that come after it are built anew if they say more than the cells.
func (a *Arena) free(c *abi.Cell, clean bool) {
	h := a.Header
	b, _ := a.block(c) // memory that is nowhere is given up
	if b.size > 0 && !clean {
		a.soil(b.off, b.size)
	}
	a.lockHeap()
	defer a.unlockHeap()
	robust.At("free: soiled")
	c.Meta.Store(abi.Meta(abi.Gen(c.Meta.Load()), 0, abi.CellFree)) // SYNC POINT cell
	robust.At("free: free")
	if b.size > 0 {
		a.tree.give(b.off, b.order)
		h.Used.Add(-(uint64(abi.Granule) << b.order))
		robust.At("free: memory given back")
	}
	c.Next.Store(h.FreeCell.Load())
	h.FreeCell.Store(uint64(a.Number(c)))
	robust.At("free: cell given back")
	h.Objects.Add(^uint64(0))
	h.Frees.Add(1)
}

// lockHeap takes the heap's lock; in a sweep also from a process that has ended, whose sweep waits for this one.
func (a *Arena) lockHeap() {
	if !a.sweeps {
		a.F.Guard(context.Background(), &a.Header.HeapLock)
		return
	}
	if from, _ := a.F.GuardInSweep(&a.Header.HeapLock, func() bool { return true }); from != 0 {
		robust.At("sweep: heap taken over")
		a.rebuild()
	}
}

func (a *Arena) unlockHeap() { a.F.Unguard(&a.Header.HeapLock) }

// rebuild makes what summarizes the cells fit them again, after somebody died while changing it.
func (a *Arena) rebuild() {
	h := a.Header
	start := prefix(a.size())
	a.tree.clear(start, a.heapTop())
	a.tree.mark(0, orderOf(start))
	if top := uint32(h.CellTop.Load()); top < a.cells && abi.State(a.cell(top).Meta.Load()) != abi.CellFree {
		h.CellTop.Store(uint64(top) + 1) // it was given out, and not counted
	}
	var free, used, objects uint64
	for n := a.top() - 1; n > 0; n-- {
		c := a.cell(n)
		if abi.State(c.Meta.Load()) == abi.CellFree {
			c.Next.Store(free)
			free = uint64(n)
			continue
		}
		objects++
		if b, ok := a.block(c); ok && b.size > 0 {
			a.tree.mark(b.off, b.order)
			used += abi.Granule << b.order
		}
	}
	h.FreeCell.Store(free)
	h.Used.Store(used)
	h.Objects.Store(objects)
}
