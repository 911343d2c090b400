package arena

import (
	"math/rand/v2"
	"testing"

	"github.com/go-multiproc/mp/internal/abi"
)

// A plain is what a tree does, done plainly: who has each granule.
type plain struct {
	top   int
	taken []int          // by granule: the block's number, 0 for nobody's
	size  map[uint64]int // order by offset, of blocks that were given out
}

func newPlain(top int) *plain {
	return &plain{top: top, taken: make([]int, 1<<top), size: map[uint64]int{}}
}

// fits reports whether some aligned block of that order is free.
func (p *plain) fits(order int) bool {
	for at := 0; at < len(p.taken); at += 1 << order {
		if p.free(at, order) {
			return true
		}
	}
	return false
}

func (p *plain) free(at, order int) bool {
	for _, who := range p.taken[at : at+1<<order] {
		if who != 0 {
			return false
		}
	}
	return true
}

func (p *plain) set(off uint64, order, who int) {
	at := int(off >> abi.GranuleShift)
	for i := range 1 << order {
		p.taken[at+i] = who
	}
}

// step takes or gives a block, in the tree and plainly, as two bytes say.
func (p *plain) step(t *testing.T, tr tree, op, pick byte, blocks *[]uint64) {
	t.Helper()
	if op%3 == 0 && len(*blocks) > 0 {
		i := int(pick) % len(*blocks)
		off := (*blocks)[i]
		*blocks = append((*blocks)[:i], (*blocks)[i+1:]...)
		tr.give(off, p.size[off])
		p.set(off, p.size[off], 0)
		delete(p.size, off)
		return
	}
	order := int(pick) % (p.top + 1)
	if pick%4 != 0 {
		order = min(p.top, int(pick/4)%3) // small ones, mostly
	}
	if at := uint64(op) % (1 << (p.top - order)) * (abi.Granule << order); tr.free(at, order) != p.free(int(at>>abi.GranuleShift), order) {
		t.Fatalf("a block of order %d at %#x is free: %v", order, at, tr.free(at, order))
	}
	off, ok := tr.find(order)
	if ok != p.fits(order) {
		t.Fatalf("a block of order %d: %v, and there is one: %v", order, ok, !ok)
	}
	if !ok {
		return
	}
	if at := int(off >> abi.GranuleShift); off%(abi.Granule<<order) != 0 || !p.free(at, order) {
		t.Fatalf("a block of order %d at %#x is not free", order, off)
	}
	tr.mark(off, order)
	p.set(off, order, 1)
	p.size[off] = order
	*blocks = append(*blocks, off)
}

// rebuilt checks that the tree is what it would be if it were made anew from the blocks.
func (p *plain) rebuilt(t *testing.T, tr tree) {
	t.Helper()
	fresh := tree{nodes: make([]byte, len(tr.nodes)), top: tr.top}
	for i := range fresh.nodes {
		fresh.nodes[i] = 99
	}
	fresh.nodes[0] = tr.nodes[0]
	fresh.clear(0, abi.Granule<<tr.top)
	for off, order := range p.size {
		fresh.mark(off, order)
	}
	for node := range tr.nodes {
		if tr.nodes[node] != fresh.nodes[node] {
			t.Fatalf("node %d is %d, and made anew %d", node, tr.nodes[node], fresh.nodes[node])
		}
	}
}

// The tree against a plain model, with every size of tree.
func TestTreeModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for _, top := range []int{0, 1, 2, 5, 8} {
		tr := tree{nodes: make([]byte, 2<<top), top: top}
		p := newPlain(top)
		var blocks []uint64
		for i := range 20_000 {
			p.step(t, tr, byte(rnd.Uint32()), byte(rnd.Uint32()), &blocks)
			if i%1000 == 0 {
				p.rebuilt(t, tr)
			}
		}
		for len(blocks) > 0 {
			p.step(t, tr, 0, byte(rnd.Uint32()), &blocks)
		}
		for node, v := range tr.nodes {
			if v != 0 {
				t.Fatalf("top %d: all came back, and node %d is %d", top, node, v)
			}
		}
	}
}

func FuzzTree(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 0, 1, 4, 1, 8, 0, 0, 0, 1})
	f.Add([]byte{1, 24, 1, 0, 0, 0, 1, 3, 1, 20})
	f.Fuzz(func(t *testing.T, ops []byte) {
		const top = 6
		tr := tree{nodes: make([]byte, 2<<top), top: top}
		p := newPlain(top)
		var blocks []uint64
		for ; len(ops) >= 2; ops = ops[2:] {
			p.step(t, tr, ops[0], ops[1], &blocks)
		}
		p.rebuilt(t, tr)
	})
}

// What is given out is what was used before, and leaves the largest blocks whole.
func TestTreeFitsTightly(t *testing.T) {
	const top = 6
	tr := tree{nodes: make([]byte, 2<<top), top: top}
	take := func(order int) uint64 {
		off, ok := tr.find(order)
		if !ok {
			t.Fatalf("no block of order %d", order)
		}
		tr.mark(off, order)
		return off
	}
	first, second := take(0), take(3)
	if first != 0 || second != 8*abi.Granule {
		t.Errorf("%#x, %#x", first, second)
	}
	tr.give(first, 0)
	if again := take(0); again != first {
		t.Errorf("it took %#x, not what was used", again)
	}
	if upper := take(top - 1); upper != abi.Granule<<(top-1) {
		t.Errorf("the upper half was not free: %#x", upper)
	}
}
