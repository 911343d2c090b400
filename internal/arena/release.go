package arena

import (
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/robust"
)

// Memory that was never given out is zero, and takes no pages. What was given back may be anything, and keeps its pages:
// to touch a page for the first time costs many times what clearing it does. Which chunks may be dirty, bits tell; they are set
// when memory is given back, and cleared when it is given out again or its pages went back to the system. A chunk that is given out in
// parts stays dirty.

const (
	// highWater is how much memory may lie about unused before pages go back to the system, down to half of it.
	highWater = 64 << 20
	// releaseAfter is how long it may lie about: who frees much is often about to need it again.
	releaseAfter = time.Second
	// releaseOrder is the order of the blocks that are looked at, 1 MiB: worth a system call.
	releaseOrder = 20 - abi.GranuleShift
)

func (a *Arena) bits(off, size uint64) (first, last uint64) {
	return off >> abi.ChunkShift, (off + size - 1) >> abi.ChunkShift
}

// soil notes that memory may be dirty.
func (a *Arena) soil(off, size uint64) {
	first, last := a.bits(off, size) // of a block that was checked
	var fresh uint64
	for chunk := first; chunk <= last; chunk++ {
		if word, bit := a.dirtyBit(chunk); word.Load()&bit == 0 && word.Or(bit)&bit == 0 {
			fresh++
		}
	}
	a.Header.Dirty.Add(fresh << abi.ChunkShift)
}

// use makes memory that was given out its owner's, who soils it when it is given back, and clears it if that is wanted.
func (a *Arena) use(off, size uint64, zero bool) {
	if size == 0 {
		return
	}
	first, last := a.bits(off, size)
	var whole uint64
	for chunk := first; chunk <= last; chunk++ {
		word, bit := a.dirtyBit(chunk)
		if word.Load()&bit == 0 {
			continue
		}
		from := max(off, chunk<<abi.ChunkShift)
		to := min(off+size, (chunk+1)<<abi.ChunkShift)
		if zero {
			clear(a.mem[from:to])
		}
		if to-from == abi.Chunk && word.And(^bit)&bit != 0 {
			whole++
		}
	}
	a.Header.Dirty.Add(-(whole << abi.ChunkShift))
}

func (a *Arena) dirtyBit(chunk uint64) (word *atomic.Uint64, bit uint64) {
	return a.mem.word(dirtyAt + chunk/64*8), 1 << (chunk % 64)
}

// surplus is how much lies about, about: less than nothing, if somebody died before he had counted.
func (a *Arena) surplus() int64 { return int64(a.Header.Dirty.Load()) }

// releaseSoon has pages go back to the system in a while, if much lies about then.
func (a *Arena) releaseSoon() {
	if a.surplus() > highWater && a.releasing.CompareAndSwap(false, true) {
		time.AfterFunc(releaseAfter, func() {
			a.release(highWater / 2)
			a.releasing.Store(false)
		})
	}
}

// release gives pages back to the system until no more than so many bytes lie about, from the end of the memory on. For that
// time a block belongs to this process, so nobody can be given what is still to be released.
func (a *Arena) release(keep int64) {
	const size = abi.Granule << releaseOrder
	for off := min(a.heapTop(), a.size()-size) &^ (size - 1); off >= prefix(a.size()) && a.surplus() > keep; off -= size {
		if !a.soiled(off, size) {
			continue
		}
		c := a.claim(off, size)
		if c == nil {
			continue // it is in use, or a part of it
		}
		robust.At("release: claimed")
		if osenv.Release(a.mem[off:off+size]) != nil {
			a.free(c, false)
			return
		}
		robust.At("release: pages gone")
		a.cleanse(off, size)
		a.free(c, true)
	}
}

// claim makes a free block a cell of this process's.
func (a *Arena) claim(off, size uint64) *abi.Cell {
	a.lockHeap()
	defer a.unlockHeap()
	if !a.tree.free(off, orderOf(size)) {
		return nil
	}
	a.take(off, orderOf(size))
	c, err := a.describe(0, off, size)
	if err != nil {
		a.tree.give(off, orderOf(size))
		return nil
	}
	return c
}

// soiled reports whether any of the memory may be dirty.
func (a *Arena) soiled(off, size uint64) bool {
	first, last := a.bits(off, size)
	for chunk := first; chunk <= last; chunk++ {
		if word, bit := a.dirtyBit(chunk); word.Load()&bit != 0 {
			return true
		}
	}
	return false
}

// cleanse notes that memory is zero again.
func (a *Arena) cleanse(off, size uint64) {
	first, last := a.bits(off, size)
	var gone uint64
	for chunk := first; chunk <= last; chunk++ {
		if word, bit := a.dirtyBit(chunk); word.Load()&bit != 0 && word.And(^bit)&bit != 0 {
			gone++
		}
	}
	a.Header.Dirty.Add(-(gone << abi.ChunkShift))
}
