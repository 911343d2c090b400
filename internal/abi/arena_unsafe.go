package abi

import "unsafe"

// Compile-time proofs: an index out of range does not compile.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(ArenaHeader{})-3*Line]
	_ = [1]struct{}{}[unsafe.Sizeof(Bell{})-Line]
	_ = [1]struct{}{}[unsafe.Sizeof(Slot{})-64]
	_ = [1]struct{}{}[unsafe.Sizeof(Cell{})-CellSize]
	_ = [1]struct{}{}[unsafe.Offsetof(Cell{}.Offset)-64]
	_ = [1]struct{}{}[unsafe.Offsetof(Slot{}.Entry)-unsafe.Offsetof(Slot{}.Alive)-RobustEntry]
	_ = [1]struct{}{}[unsafe.Sizeof(QueueControl{})-5*Line]
	_ = [1]struct{}{}[unsafe.Offsetof(QueueControl{}.Head)-3*Line]
	_ = [1]struct{}{}[1<<GranuleShift-Granule]
	_ = [1]struct{}{}[1<<ChunkShift-Chunk]
	_ [ArenaHead - (3*Line + Bells*Line + MaxSlots*64)]struct{}
)
