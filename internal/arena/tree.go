package arena

import "github.com/go-multiproc/mp/internal/abi"

// A tree is a buddy allocator: a complete binary tree over all granules, one byte for each node, in the order of a heap.
// The byte is 0 if all below the node is free, so memory that was never touched is a tree of free nodes; else it is 2 more
// than the order of the largest free block below it, 1 if there is none. What lies below a node that was given out whole is not
// looked at.
//
// The tree is a summary of the cells, which say what was given out. Who dies while changing it leaves it to be built anew.
type tree struct {
	nodes []byte
	top   int // order of the root
}

// largest is the order of the largest free block below a node of that order, -1 if there is none.
func (t tree) largest(node uint64, order int) int {
	if v := t.nodes[node]; v != 0 {
		return int(v) - 2
	}
	return order
}

// find finds a free block, the one that breaks the smallest larger one apart, and the leftmost of these.
func (t tree) find(order int) (off uint64, ok bool) {
	if t.largest(1, t.top) < order {
		return 0, false
	}
	node := uint64(1)
	for o := t.top - 1; o >= order; o-- {
		left, right := t.largest(2*node, o), t.largest(2*node+1, o)
		if node *= 2; left < order || right >= order && right < left {
			node++
		}
	}
	return t.offset(node, order), true
}

// mark takes a certain block.
func (t tree) mark(off uint64, order int) { t.set(t.node(off, order), order, 1) }

// free reports whether a block is free, all of it.
func (t tree) free(off uint64, order int) bool {
	node := t.node(off, order)
	if t.nodes[node] != 0 {
		return false
	}
	for node /= 2; node > 0; node /= 2 {
		if t.nodes[node] == 1 {
			return false // it was given out as a part of that
		}
	}
	return true
}

// give gives a block back.
func (t tree) give(off uint64, order int) { t.set(t.node(off, order), order, 0) }

func (t tree) set(node uint64, order int, v byte) {
	t.nodes[node] = v
	for node, order = node/2, order+1; node > 0; node, order = node/2, order+1 {
		v := byte(0)
		if t.nodes[2*node] != 0 || t.nodes[2*node+1] != 0 {
			v = byte(max(t.largest(2*node, order-1), t.largest(2*node+1, order-1)) + 2)
		}
		if t.nodes[node] == v {
			return // nothing changes further up
		}
		t.nodes[node] = v
	}
}

func (t tree) node(off uint64, order int) uint64 {
	return uint64(1)<<(t.top-order) + off>>(abi.GranuleShift+order)
}

func (t tree) offset(node uint64, order int) uint64 {
	return (node - uint64(1)<<(t.top-order)) << (abi.GranuleShift + order)
}

// clear makes all memory from one offset to another free, whatever the tree says.
func (t tree) clear(from, to uint64) {
	for order := range t.top + 1 {
		size := uint64(abi.Granule) << order
		first := uint64(1) << (t.top - order)
		clear(t.nodes[first+from/size : first+(to+size-1)/size])
	}
}
