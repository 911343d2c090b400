//go:build linux

package arena

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
)

func freshArena(t *testing.T) *Arena {
	t.Helper()
	a, err := Create(osenv.Default())
	if err != nil {
		t.Fatal(err)
	}
	return a // which is never unmapped: its pages go with the process
}

// What a cell says of its memory leads nowhere if no allocator can have written it.
func TestDamagedBlocks(t *testing.T) {
	a := freshArena(t)
	first := prefix(a.size())
	for name, b := range map[string][3]uint64{ // offset, size, order
		"in front":           {0, 256, 0},
		"in the cells":       {cellsAt, 256, 0},
		"behind":             {a.size(), 256, 0},
		"far behind":         {math.MaxUint64 - 255, 256, 0},
		"between blocks":     {first + 8, 256, 0},
		"too far":            {a.size() - 256, 512, 1},
		"too large":          {first, 257, 0},
		"huge":               {first, math.MaxUint64, 0},
		"of no order":        {first, 256, 64},
		"of a monstrous one": {first, 256, math.MaxUint32},
	} {
		c, err := a.New(plainKind, 256)
		if err != nil {
			t.Fatal(err)
		}
		c.Offset.Store(b[0])
		c.Size.Store(b[1])
		c.Order.Store(uint32(b[2]))
		if got, ok := a.block(c); ok || got != (block{}) {
			t.Errorf("%s: %+v", name, got)
		}
		a.rebuild()
		a.Free(c)
	}
	// The header's own size is not believed.
	a.Header.Size = math.MaxUint64
	if a.Bytes(uint64(len(a.mem)), 1) != nil || a.Size() != uint64(len(a.mem)) {
		t.Error("the arena has become larger")
	}
	// A tree that gives out the arena's own parts.
	for node := 1; node <= 32; node *= 2 {
		a.tree.nodes[node] = 0
	}
	if _, err := a.New(plainKind, 256); !errors.Is(err, errDamaged) {
		t.Errorf("the header was given out: %v", err)
	}
}

// Somebody writes anything anywhere in front of the memory, between two calls, and whoever allocates, frees, sweeps and releases neither
// panics nor leaves the arena. Locks are given back, for who has them would be waited for.
func TestDamageAtRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 5))
	for range 4 {
		a := freshArena(t)
		var cells []*abi.Cell
		for range 2000 {
			a.damage(rng)
			switch size := rng.Uint64() >> (46 + rng.IntN(18)); rng.IntN(8) {
			case 0, 1, 2:
				c, err := a.New(plainKind, size)
				if err == nil && size > 0 {
					clear(a.Bytes(c.Offset.Load(), size))
				}
				if err == nil {
					cells = append(cells, c)
				}
			case 3, 4:
				if len(cells) > 0 {
					a.Free(cells[rng.IntN(len(cells))])
				}
			case 5:
				if len(cells) > 0 {
					c := cells[rng.IntN(len(cells))]
					a.Publish(c)
					a.Remove(c, c.Meta.Load())
				}
			case 6:
				a.rebuild()
			case 7:
				a.release(rng.Int64N(highWater))
				_ = a.Stats()
			}
		}
	}
}

// damage writes a word into the header, the dirty bits, the cells or the tree.
func (a *Arena) damage(rng *rand.Rand) {
	places := [][2]uint64{{0, 256}, {dirtyAt, 64}, {cellsAt, 64 * abi.CellSize}, {treeAt(a.size()), 256}, {0, treeAt(a.size())}}
	p := places[rng.IntN(len(places))]
	w := a.mem.word(p[0] + rng.Uint64N(p[1]-8)&^7)
	switch rng.IntN(4) {
	case 0:
		w.Store(rng.Uint64() >> rng.IntN(64))
	case 1:
		w.Add(uint64(rng.IntN(512)) - 256)
	case 2:
		w.Store(w.Load() ^ 1<<rng.IntN(64))
	}
	a.Header.HeapLock.Store(0)
	a.Header.CellTop.Store(min(a.Header.CellTop.Load(), 1<<12)) // to look at all there can be takes its time
	a.Header.HeapTop.Store(min(a.Header.HeapTop.Load(), prefix(a.size())+64<<20))
}
