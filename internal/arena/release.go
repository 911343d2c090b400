package arena

import (
	"os"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/robust"
)

// Memory that was never given out is zero, and takes no pages. What was given back may be anything, and keeps its pages:
// to touch a page for the first time costs many times what clearing it does. Which chunks may be dirty, bits tell; they are set
// when memory is given back and cleared when its pages go back to the system.

const (
	// highWater is how much memory may lie about unused before large blocks go back to the system.
	highWater = 64 << 20
	// large is what is worth a system call.
	large = 1 << 20
)

func (a *Arena) bits(off, size uint64) (first, last uint64) {
	return off >> abi.ChunkShift, (off + size - 1) >> abi.ChunkShift
}

// soil notes that memory may be dirty.
func (a *Arena) soil(off, size uint64) {
	first, last := a.bits(off, size)
	var fresh uint64
	for chunk := first; chunk <= last; chunk++ {
		if word, bit := a.dirtyBit(chunk); word.Load()&bit == 0 && word.Or(bit)&bit == 0 {
			fresh++
		}
	}
	a.Header.Dirty.Add(fresh << abi.ChunkShift)
}

// zero clears what may be dirty.
func (a *Arena) zero(off, size uint64) {
	if size == 0 {
		return
	}
	first, last := a.bits(off, size)
	for chunk := first; chunk <= last; chunk++ {
		if word, bit := a.dirtyBit(chunk); word.Load()&bit != 0 {
			from := max(off, chunk<<abi.ChunkShift)
			to := min(off+size, (chunk+1)<<abi.ChunkShift)
			clear(a.mem[from:to])
		}
	}
}

func (a *Arena) dirtyBit(chunk uint64) (word *atomic.Uint64, bit uint64) {
	return a.mem.word(dirtyAt + chunk/64*8), 1 << (chunk % 64)
}

// releaseLater frees a large block in the background, when its pages have gone back to the system, if enough lie about. Until
// then it belongs to this process, so nobody can be given what is still to be released.
func (a *Arena) releaseLater(c *abi.Cell) bool {
	off, size := c.Offset.Load(), c.Size.Load()
	dirty := a.Header.Dirty.Load()
	if size < large || dirty+size <= a.Header.Used.Load()+highWater {
		return false
	}
	go func() {
		page := uint64(os.Getpagesize())
		block := uint64(abi.Granule) << c.Order.Load()
		robust.At("release: begun")
		if osenv.Release(a.mem[off:off+min(block, (size+page-1)/page*page)]) == nil {
			robust.At("release: pages gone")
			a.cleanse(off, block)
		}
		a.free(c, true)
	}()
	return true
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
