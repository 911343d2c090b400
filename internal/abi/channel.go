package abi

// Magic opens every channel; Version changes with any byte below.
const (
	Magic   uint64 = 0x31304c4843504d67 // "gMPCHL01"
	Version uint32 = 2
)

// Line is the distance kept between words with different writers: two cache lines of 64 bytes, because the
// adjacent-line prefetcher of x86 moves them in pairs and arm64 servers have lines of 128.
const Line = 128

// Offsets of the words of a channel's header. Each has one writer unless it says otherwise.
const (
	OffMagic    = 0 * Line  // u64, then u32 version; parent, before the worker starts
	OffSlotTail = 1 * Line  // u64: slots published; parent
	OffSlotHead = 2 * Line  // u64: slots finished and free again; worker
	OffWorkFlag = 3 * Line  // u32: the worker sleeps; the worker sets it, the parent clears it: it is the futex word
	OffInTail   = 4 * Line  // u64: bytes published beside the slots; parent
	OffInHead   = 5 * Line  // u64: of these, bytes consumed; worker
	OffOutTail  = 6 * Line  // u64: bytes of results published; worker
	OffOutHead  = 7 * Line  // u64: of these, bytes consumed; parent
	OffRecvFlag = 8 * Line  // u32: the parent waits for results or for room; it sets it, the worker clears it and sends a byte
	OffRoomFlag = 9 * Line  // u32: the worker waits for room for results; it sets it, the parent clears it: a futex word
	OffAlive    = 10 * Line // u32: a thread id of the worker; the worker, once, and the kernel when that thread ends
)

// HeaderSize is the size of the channel's header; the slots follow, then the two byte rings.
const HeaderSize = 4096

// A Slot carries one batch of elements from the parent to the worker:
//
//	 0  cursor  u64  lap 32 | begun 16 | limit 16; see Cursor
//	 8  size    u64  bytes of payload; inline if there is room for it (Inline), else in the byte ring, in the order of the slots
//	16  timeout i64  of each element, in nanoseconds, 0 for none; the parent enforces it, the worker only tells its context
//	24  func    u32  index in the registry, which the handshake has proved equal
//	28  count   u16  elements in the payload
//	30  kind    u8
//	31  flags   u8
//	32  index   i64  of the first element in its map, NoIndex if they are none of a map; those after it follow
//	40  inline  [24]byte; of these, with FlagSeeded, the first 8 are the seed of the map, a u64
const (
	SlotSize    = 64
	SlotCursor  = 0
	SlotBytes   = 8
	SlotTimeout = 16
	SlotFunc    = 24
	SlotCount   = 28
	SlotKind    = 30
	SlotFlags   = 31
	SlotIndex   = 32
	SlotPayload = 40
	SlotInline  = SlotSize - SlotPayload
	SlotSeed    = 8 // bytes of SlotInline that a seed takes
)

// NoIndex is the index of an element that is none of a map.
const NoIndex int64 = -1

// Kinds of slots.
const (
	KindCall uint8 = iota // elements of a function
	KindExit              // run nothing more; end in order
)

// FlagPrivate in a slot tells that its element is the pool's own, as Init is, and no caller's.
const FlagPrivate uint8 = 1 << 7

// FlagWake in a slot asks for a wake-up when its last element is done, for someone waits for it.
const FlagWake uint8 = 1

// FlagSized in a slot tells that each element in the payload follows its length, a u32.
const FlagSized uint8 = 2

// FlagSeeded in a slot tells that a seed lies in front of what is inline.
const FlagSeeded uint8 = 4

// Inline is how many bytes of payload a slot with these flags has room for.
func Inline(flags uint8) int {
	if flags&FlagSeeded != 0 {
		return SlotInline - SlotSeed
	}
	return SlotInline
}

// MaxBatch is the most elements in one slot: the cursor has 16 bits for them.
const MaxBatch = 1<<16 - 1

// Cursor is the state of a slot. lap tells this use of the slot from the one before, so that a late
// compare-and-swap cannot hit the wrong one. begun counts elements the worker has begun, limit those it may
// begin at all:
//
//	free   lap differs                      the parent may write, once SlotHead has passed the previous lap
//	full   begun == 0, limit == count
//	taken  0 < begun, begun <= limit        the worker runs element begun-1 or has finished it
//	done   begun == limit                   and the worker moves SlotHead past it after the last result is published
//
// The worker begins an element by begun -> begun+1, or all at once by begun -> limit; the parent takes back what is not begun by lowering limit.
// Both are compare-and-swap on this one word, so that each element goes one way only, whenever either is killed.
type Cursor uint64

// MakeCursor packs a cursor.
func MakeCursor(lap uint32, begun, limit uint16) Cursor {
	return Cursor(uint64(lap)<<32 | uint64(begun)<<16 | uint64(limit))
}

// Lap is the use of the slot.
func (c Cursor) Lap() uint32 { return uint32(c >> 32) }

// Begun is the number of elements begun.
func (c Cursor) Begun() int { return int(uint16(c >> 16)) }

// Limit is the number of elements that may be begun.
func (c Cursor) Limit() int { return int(uint16(c)) }

// A result record in the worker's byte ring is one header word and the payload, padded to RecordAlign:
//
//	status 8 | check 8 | size 48
//
// check is the low byte of the number of the record, from 0 for the worker's first: the parent counts along.
const (
	RecordHeader = 8
	RecordAlign  = 8
	MaxRecord    = 1<<48 - 1
)

// Record packs a record's header.
func Record(status, check uint8, size uint64) uint64 {
	return uint64(status)<<56 | uint64(check)<<48 | size&MaxRecord
}

// Unrecord unpacks a record's header.
func Unrecord(h uint64) (status, check uint8, size uint64) {
	return uint8(h >> 56), uint8(h >> 48), h & MaxRecord
}

// Outcomes of an element, the status of its record.
const (
	StatusOK     uint8 = iota + 1 // payload: the encoded result
	StatusError                   // an encoded error
	StatusPanic                   // an encoded error and a stack
	StatusGoexit                  // the function called runtime.Goexit
	StatusDecode                  // the argument could not be decoded
	StatusEncode                  // the result could not be encoded: an encoded error
)

// Compile-time proofs: each array has length zero or the constant overflows.
var (
	_ [HeaderSize - (OffAlive + Line)]struct{}
	_ [SlotPayload + SlotInline - SlotSize]struct{}
	_ [SlotSize - SlotPayload - SlotInline]struct{}
	_ [0]struct{} = [SlotSize % 64]struct{}{}
	_ [0]struct{} = [HeaderSize % SlotSize]struct{}{}
)
