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
	PipeOffReading        = 3 * Line // u32: the state of the reading end, which writes it; the writing end clears PipeAsleep and sends a byte
	PipeOffWriting        = 4 * Line // u32: the state of the writing end; likewise
)

// The two directions fit into the header.
const _ = uint(PipeHeader - (PipeDirection + PipeOffWriting + Line))

// States of an end of a direction.
const (
	PipeAwake  uint32 = iota
	PipeAsleep        // it waits for bytes, or for room
	PipeClosed        // it was closed, for ever
)

// Bytes in the socket of a pipe.
const (
	PipeWake byte = iota // look at the memory
	PipeFile             // a descriptor comes with it
)

// PipeMaxFiles is how many files may be under way in one direction: sent, and not yet taken. The socket holds as many with
// PipeSocketRoom, of which the kernel takes what it allows, by default enough for 550.
const (
	PipeMaxFiles   = 384
	PipeSocketRoom = 1 << 20
)

// A message is cut into chunks, padded to PipeAlign. A chunk begins with a word:
//
//	length 32 | kind 8 | flags 8 | zero 16
//
// The first chunk of several has a second word, the size of the whole message.
const (
	PipeAlign    = 8
	PipeMaxChunk = 64 << 10
)

// Kinds of messages.
const (
	PipeBytes     uint8 = iota + 1
	PipeValue           // PipePrint bytes that name the type, and an encoded value
	PipeFileFrame       // no bytes: a file came over the socket before
)

// PipePrint is the size of the name of a type.
const PipePrint = 8

// Flags of a chunk.
const (
	PipeFirst uint8 = 1 << iota
	PipeLast
	PipeAbort // the message is given up; length and kind are 0
	pipeFlags = PipeFirst | PipeLast | PipeAbort
)

// PipeWord packs the word of a chunk.
func PipeWord(length int, kind, flags uint8) uint64 {
	return uint64(length)<<32 | uint64(kind)<<24 | uint64(flags)<<16
}

// UnpipeWord unpacks the word of a chunk, if it is one.
func UnpipeWord(w uint64) (length int, kind, flags uint8, ok bool) {
	length, kind, flags = int(w>>32), uint8(w>>24), uint8(w>>16)
	ok = w&0xffff == 0 && flags&^pipeFlags == 0 && length <= PipeMaxChunk && kind <= PipeFileFrame
	return length, kind, flags, ok
}
