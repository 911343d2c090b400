package abi

// The memory of a pipe begins with a page of words, each with one writer. It has two directions; end 0 writes direction 0 and
// reads direction 1, end 1 the reverse. The ring of direction 0 follows the page, then that of direction 1.
const (
	PipeMagic      uint64 = 0x3130455049504d67 // "gMPIPE01"
	PipeHeader            = 4096
	PipeOffMagic          = 0 * Line // u64, then u64 the size of each ring; who made it, before the other end has it
	PipeDirection         = 8 * Line // from the words of direction 0 to those of direction 1
	PipeOffTail           = 1 * Line // u64: bytes published; the writing end
	PipeOffHead           = 2 * Line // u64: bytes consumed; the reading end
	PipeOffReading        = 3 * Line // u32: the reading end sleeps for bytes; it sets it, the writing end clears it and sends a byte
	PipeOffWriting        = 4 * Line // u32: the writing end sleeps for room; it sets it, the reading end clears it and sends a byte
)

// The two directions fit into the header.
const _ = uint(PipeHeader - (PipeDirection + PipeOffWriting + Line))
