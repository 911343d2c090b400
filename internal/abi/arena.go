package abi

import "sync/atomic"

// The arena is memory that a whole family of processes maps: its header, the processes' slots, the cells that
// describe what is in it, the tree that tells which memory is free, and the memory itself. See packages robust and
// arena for who may write what.
const (
	ArenaMagic   uint64 = 0x3130414e5241504d // "MPARNA01"
	ArenaVersion uint32 = 1

	Bells     = 64
	MaxSlots  = 1024    // slot 0 is nobody's
	ArenaHead = 1 << 18 // header, bells and slots

	MaxArena = 64 << 30
	MinArena = 1 << 30

	// Granule is the smallest piece of memory. The tree has two bytes for each, in a complete binary tree.
	Granule      = 256
	GranuleShift = 8
	// Chunk is the piece of memory of which it is known whether it may be dirty.
	Chunk      = 64 << 10
	ChunkShift = 16
)

// ArenaHeader opens the arena.
type ArenaHeader struct {
	Magic   uint64 // set last, by the root
	Version uint32
	_       uint32
	Size    uint64 // of the arena, a power of two
	Family  uint64 // random, never 0: a handle from elsewhere does not fit
	_       [Line - 32]byte

	HeapLock atomic.Uint32 // a guard: who changes cells' Meta, the tree and what follows here
	_        uint32
	CellTop  atomic.Uint64 // cells at and above it were never used
	FreeCell atomic.Uint64 // the last one freed, 0 for none; linked by Cell.Next
	HeapTop  atomic.Uint64 // memory at and above it was never given out
	Used     atomic.Uint64 // bytes given out, as blocks
	Dirty    atomic.Uint64 // bytes given back and not released to the system, about
	Objects  atomic.Uint64
	Allocs   atomic.Uint64
	Frees    atomic.Uint64
	_        [Line - 72]byte

	SweepLock atomic.Uint64 // identity of who sweeps
	Sweeps    atomic.Uint64
	SlotTop   atomic.Uint32 // slots above it were never used
	_         [Line - 20]byte
}

// A Bell wakes the processes whose slot number is its own modulo Bells.
type Bell struct {
	Seq   atomic.Uint32 // the futex word: each ring adds 1
	_     uint32
	Which atomic.Uint64 // tags of the objects it was rung for, since somebody looked
	_     [Line - 16]byte
}

// A Slot is a process of the family that uses the arena.
type Slot struct {
	Identity atomic.Uint64 // pid 32 | start time 32; 0: free. The process, from 0; the sweep, to 0
	Alive    atomic.Uint32 // a thread id; the process, once, and the kernel when that thread ends
	Parent   atomic.Uint32 // slot; the process
	Entry    uint64        // the kernel's list in that process goes on here: RobustEntry behind Alive
	_        [64 - 24]byte
}

// RobustEntry is the distance from a word that the kernel marks to the list entry that leads to it.
const RobustEntry = 8

// A Cell describes an object: its kind, what it is doing, and its memory. Cells stay cells for ever.
type Cell struct {
	Lock     atomic.Uint32 // see package robust; LockFreed in a cell that is not in use
	Guard    atomic.Uint32 // a second lock, of the kinds that need one; likewise
	Meta     atomic.Uint64 // generation 32 | kind 8 | state 8
	Waiting  atomic.Uint64 // bells of who waits for it
	Waiting2 atomic.Uint64 // ... for something else of it
	A        atomic.Uint64 // what these are, the kind says
	B        atomic.Uint64
	C        atomic.Uint64
	D        atomic.Uint64

	Offset atomic.Uint64 // its memory, 0 for none; with Order, written before Meta
	Size   atomic.Uint64 // of that, in bytes, as asked for
	Order  atomic.Uint32 // Granule << Order bytes are its block
	Owner  atomic.Uint32 // slot of who builds it, ends it, or holds it
	Type   atomic.Uint64 // of its elements, a hash
	Parent atomic.Uint64 // the object that it is a part of: generation 32 | cell 32
	Seq    atomic.Uint64
	Next   atomic.Uint64 // in the list of free cells
	E      atomic.Uint64 // bells, too, or unused
}

// Words are those that belong to the kind of the object.
func (c *Cell) Words() [10]*atomic.Uint64 {
	return [...]*atomic.Uint64{&c.Waiting, &c.Waiting2, &c.A, &c.B, &c.C, &c.D, &c.E, &c.Type, &c.Parent, &c.Seq}
}

// CellSize is the size of a cell.
const CellSize = 128

// States of a cell, the low byte of Meta.
const (
	CellFree     uint8 = iota // also: never used
	CellBuilding              // Owner has it and has told nobody
	CellLive
	CellEnding // Owner gives back its parts; no handle fits any more
)

// Meta packs the Meta of a cell.
func Meta(gen uint32, kind, state uint8) uint64 {
	return uint64(gen)<<32 | uint64(kind)<<8 | uint64(state)
}

// Gen is how often a cell was used.
func Gen(meta uint64) uint32 { return uint32(meta >> 32) }

// Kind is what a cell is.
func Kind(meta uint64) uint8 { return uint8(meta >> 8) }

// State is where in its life a cell is.
func State(meta uint64) uint8 { return uint8(meta) }

// A lock word is its owner's slot, the heir's, and whether the owner died:
//
//	freed 1 | 0... | died 1 | heir 10 | owner 10
const (
	LockOwner uint32 = MaxSlots - 1
	LockHeir  uint32 = LockOwner << lockHeirAt
	LockDied  uint32 = 1 << 20
	LockFreed uint32 = 1 << 31

	lockHeirAt = 10
)

// Owner is who holds a lock, 0 for nobody.
func Owner(word uint32) uint32 { return word & LockOwner }

// Heir is who takes it next, 0 for whoever comes.
func Heir(word uint32) uint32 { return word & LockHeir >> lockHeirAt }

// HeirBits is a slot as the heir.
func HeirBits(slot uint32) uint32 { return slot << lockHeirAt }
