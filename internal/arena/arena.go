package arena

import (
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/robust"
)

// An Arena is the family's memory as this process maps it. It is never unmapped. Its methods are safe for concurrent use.
type Arena struct {
	F *robust.Family
	*mapping
	sweeps bool // it is the one by which this process sweeps
}

// A mapping is what all Arenas of a process have in common.
type mapping struct {
	Header *abi.ArenaHeader

	mem   memory
	file  *os.File
	tree  tree
	cells uint32 // how many there can be

	releasing atomic.Bool

	mu     sync.Mutex
	locals map[uint32]*Local // guarded by mu
}

// The arena's parts, by offset. Cells and tree take a 128th of the arena each; the prefix, a 32nd, holds all.
const (
	dirtyAt = abi.ArenaHead // MaxArena/Chunk bits
	cellsAt = dirtyAt + abi.MaxArena/abi.Chunk/8
)

// size is not what the header says: that may be anybody's.
func (a *Arena) size() uint64   { return uint64(len(a.mem)) }
func prefix(size uint64) uint64 { return size / 32 }
func treeAt(size uint64) uint64 { return cellsAt + size/128 }

// Create makes the arena of a new family: the largest, of a power of two, for which there is address space.
func Create(k *osenv.Kernel) (*Arena, error) {
	var last error
	for size := int64(abi.MaxArena); size >= abi.MinArena; size /= 2 {
		a, err := create(k, size)
		if err == nil || !tooLarge(err) {
			return a, err
		}
		last = err
	}
	return nil, fmt.Errorf("mp: no room for shared memory, not even for %d MiB: %w", abi.MinArena>>20, last)
}

func tooLarge(err error) bool { return errors.Is(err, syscall.ENOMEM) || errors.Is(err, syscall.EFBIG) }

func create(k *osenv.Kernel, size int64) (*Arena, error) {
	file, err := k.SharedMemory("mp-arena", size)
	if err != nil {
		return nil, err
	}
	mem, err := osenv.MapSparse(file, int(size))
	if err != nil {
		file.Close()
		return nil, err
	}
	h := memory(mem).header()
	h.Version, h.Size, h.Family = abi.ArenaVersion, uint64(size), rand.Uint64()|1
	h.Magic = abi.ArenaMagic
	h.CellTop.Store(1) // a handle on cell 0 is none
	t := memory(mem).tree(uint64(size))
	t.mark(0, orderOf(prefix(uint64(size))))
	h.HeapTop.Store(prefix(uint64(size)))
	a, err := open(file, mem)
	if err != nil {
		file.Close()
	}
	return a, err
}

// Open maps the arena of the family that this process belongs to.
func Open(file *os.File) (*Arena, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	if size < abi.MinArena || size > abi.MaxArena || size&(size-1) != 0 {
		return nil, fmt.Errorf("mp: an arena of %d bytes", size)
	}
	mem, err := osenv.MapSparse(file, int(size))
	if err != nil {
		return nil, err
	}
	return open(file, mem)
}

func open(file *os.File, mem []byte) (*Arena, error) {
	a := &Arena{mapping: &mapping{file: file, mem: mem, Header: memory(mem).header(), locals: make(map[uint32]*Local)}}
	h := a.Header
	if h.Magic != abi.ArenaMagic || h.Version != abi.ArenaVersion || h.Size != uint64(len(mem)) {
		_ = osenv.Unmap(mem)
		return nil, errors.New("mp: the arena has another version")
	}
	a.tree = a.mem.tree(h.Size)
	a.cells = uint32(h.Size / 128 / abi.CellSize)
	sweeper := &Arena{mapping: a.mapping, sweeps: true}
	var err error
	if a.F, err = robust.Join(h, a.mem.slots(), a.mem.bells(), sweeper.sweep); err != nil {
		_ = osenv.Unmap(mem)
		return nil, err
	}
	sweeper.F = a.F
	return a, nil
}

// File is the arena for a child that is being started.
func (a *Arena) File() *os.File { return a.file }

// Family is the number that no other family has.
func (a *Arena) Family() uint64 { return a.Header.Family }

// Size is how large the arena is.
func (a *Arena) Size() uint64 { return a.size() }

// orderOf is the order of the smallest block that holds size bytes.
func orderOf(size uint64) int {
	if size <= abi.Granule {
		return 0
	}
	return bits.Len64((size - 1) >> abi.GranuleShift)
}

// A Local is what this process keeps for an object beside what it shares.
type Local struct {
	meta  uint64
	Gates [4]robust.Gate // one for each mask of bells that goroutines wait with in turn
}

// Local returns what this process keeps for the object, the same for every handle on it, as long as there is that object.
func (a *Arena) Local(cell uint32, meta uint64) *Local {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.locals[cell]
	if l != nil && l.meta == meta {
		return l
	}
	l = &Local{meta: meta}
	if c := a.Cell(cell); c != nil && c.Meta.Load() == meta { // a handle of another time has no say in what the present one has
		a.locals[cell] = l
	}
	return l
}
