package ring

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/race"
)

// A Batch is what a slot says about its elements.
type Batch struct {
	Kind, Flags uint8
	Func        uint32
	Count       int // 1 to abi.MaxBatch; 0 only for KindExit
	Timeout     int64
	Index       int64  // of the first element in its map, or abi.NoIndex
	Seed        uint64 // with abi.FlagSeeded
	Size        uint64 // of the payload
	Inline      []byte // the payload, if Size <= abi.Inline(Flags)
}

// SlotWriter is the parent's end of the ring of slots. Not safe for concurrent use; its SlotReader lives in another process.
type SlotWriter struct {
	mem   Memory
	slots int
	tail  *atomic.Uint64 // shared; only the SlotWriter stores it
	head  *atomic.Uint64 // shared; the worker stores it, and may store anything
	pos   uint64
	shown uint64 // of these, published
	seen  uint64
}

// NewSlotWriter returns the parent's end of a fresh ring of so many slots, a power of two, in mem.
func NewSlotWriter(mem Memory, tail, head *atomic.Uint64) *SlotWriter {
	return &SlotWriter{mem: mem, slots: len(mem) / abi.SlotSize, tail: tail, head: head}
}

// Size is how many slots there are.
func (s *SlotWriter) Size() int { return s.slots }

// Free is how many slots can be published now.
func (s *SlotWriter) Free() (int, error) {
	if used := int(s.pos - s.seen); used < s.slots/2 {
		return s.slots - used, nil
	}
	h := s.head.Load() // SYNC POINT slot head: pairs with SlotReader.Done
	if h-s.seen > s.pos-s.seen {
		return 0, fmt.Errorf("%w: %d of %d slots are said to be done", ErrCorrupt, h, s.pos)
	}
	s.seen = h
	return s.slots - int(s.pos-h), nil
}

// Put writes a batch into the next slot, for which there must be a free one, and returns its number. The worker sees it
// after Publish.
func (s *SlotWriter) Put(b Batch) uint64 {
	n := s.pos
	m := s.mem[int(n)%s.slots*abi.SlotSize:][:abi.SlotSize]
	// Plain stores, the cursor's as well: nobody looks at a free slot, and the tail's store comes after them. An atomic store
	// would wait for the line, which the worker's CPU holds, once for each slot.
	binary.LittleEndian.PutUint64(m[abi.SlotCursor:], uint64(abi.MakeCursor(lap(n, s.slots), 0, uint16(b.Count))))
	binary.LittleEndian.PutUint64(m[abi.SlotBytes:], b.Size)
	binary.LittleEndian.PutUint64(m[abi.SlotTimeout:], uint64(b.Timeout))
	binary.LittleEndian.PutUint32(m[abi.SlotFunc:], b.Func)
	binary.LittleEndian.PutUint16(m[abi.SlotCount:], uint16(b.Count))
	m[abi.SlotKind], m[abi.SlotFlags] = b.Kind, b.Flags
	binary.LittleEndian.PutUint64(m[abi.SlotIndex:], uint64(b.Index))
	inline := m[abi.SlotPayload:]
	if b.Flags&abi.FlagSeeded != 0 {
		binary.LittleEndian.PutUint64(inline, b.Seed)
		inline = inline[abi.SlotSeed:]
	}
	copy(inline, b.Inline)
	s.pos++
	return n
}

// Publish shows the worker what was put, and reports whether that was anything.
func (s *SlotWriter) Publish() bool {
	if s.shown == s.pos {
		return false
	}
	s.shown = s.pos
	s.tail.Store(s.pos) // SYNC POINT slot tail: pairs with SlotReader.Next
	race.Fence()
	return true
}

func (s *SlotWriter) cursor(n uint64) *atomic.Uint64 {
	return s.mem.U64(int(n)%s.slots*abi.SlotSize + abi.SlotCursor)
}

// TakeBack takes back the elements of slot n that have not begun and returns how many of its count have. A second time
// changes nothing. A slot that was used again since then, or whose cursor makes no sense, has begun wholly.
func (s *SlotWriter) TakeBack(n uint64, count int) (begun int) {
	word := s.cursor(n)
	// Only the worker can be in the way, once for each element that it begins. More often is nonsense.
	for range count + 1 {
		old := word.Load()
		c := abi.Cursor(old)
		if c.Lap() != lap(n, s.slots) || c.Limit() > count || c.Begun() > c.Limit() {
			return count
		}
		if c.Begun() == c.Limit() {
			return c.Begun()
		}
		// SYNC POINT cursor: pairs with SlotReader.Begin
		if word.CompareAndSwap(old, uint64(abi.MakeCursor(c.Lap(), uint16(c.Begun()), uint16(c.Begun())))) {
			return c.Begun()
		}
	}
	return count
}

// Begun is how many of the count elements of slot n have begun.
func (s *SlotWriter) Begun(n uint64, count int) int {
	c := abi.Cursor(s.cursor(n).Load())
	if c.Lap() != lap(n, s.slots) || c.Begun() > count {
		return count
	}
	return c.Begun()
}

// lap starts at 1, so that fresh memory is free. After 2^32 laps it comes round; the parent has then long forgotten the slot
// of the same name.
func lap(n uint64, slots int) uint32 { return uint32(n/uint64(slots)) + 1 }

// SlotReader is the worker's end. Not safe for concurrent use.
type SlotReader struct {
	mem   Memory
	slots int
	tail  *atomic.Uint64
	head  *atomic.Uint64
	pos   uint64
	seen  uint64
	word  *atomic.Uint64 // the cursor of the slot at pos
}

// NewSlotReader returns the worker's end of a fresh ring of slots in mem.
func NewSlotReader(mem Memory, tail, head *atomic.Uint64) *SlotReader {
	return &SlotReader{mem: mem, slots: len(mem) / abi.SlotSize, tail: tail, head: head}
}

// Ready reports whether Next would find a slot.
func (s *SlotReader) Ready() bool {
	if s.seen == s.pos {
		s.seen = s.tail.Load() // SYNC POINT slot tail: pairs with SlotWriter.Publish
	}
	return s.seen != s.pos
}

// Next returns the slot to work on; call it only when Ready. Its Inline must not be used after Done.
func (s *SlotReader) Next() Batch {
	at := int(s.pos) % s.slots * abi.SlotSize
	s.word = s.mem.U64(at + abi.SlotCursor)
	m := s.mem[at:][:abi.SlotSize]
	b := Batch{
		Kind: m[abi.SlotKind], Flags: m[abi.SlotFlags],
		Func:    binary.LittleEndian.Uint32(m[abi.SlotFunc:]),
		Count:   int(binary.LittleEndian.Uint16(m[abi.SlotCount:])),
		Timeout: int64(binary.LittleEndian.Uint64(m[abi.SlotTimeout:])),
		Index:   int64(binary.LittleEndian.Uint64(m[abi.SlotIndex:])),
		Size:    binary.LittleEndian.Uint64(m[abi.SlotBytes:]),
	}
	inline := m[abi.SlotPayload:]
	if b.Flags&abi.FlagSeeded != 0 {
		b.Seed = binary.LittleEndian.Uint64(inline)
		inline = inline[abi.SlotSeed:]
	}
	if b.Size <= uint64(len(inline)) {
		b.Inline = inline[:b.Size]
	}
	return b
}

// Begin begins the next element of the slot, or reports that none may be begun any more.
func (s *SlotReader) Begin() bool {
	for {
		old := s.word.Load()
		c := abi.Cursor(old)
		if c.Begun() >= c.Limit() {
			return false
		}
		// The next begun: no carry can reach the lap, for begun < limit. SYNC POINT cursor: pairs with SlotWriter.TakeBack
		if s.word.CompareAndSwap(old, old+1<<16) {
			return true
		}
	}
}

// BeginAll begins all elements of the slot that may still be begun, at once, and returns how many those are.
func (s *SlotReader) BeginAll() int {
	for {
		old := s.word.Load()
		c := abi.Cursor(old)
		if c.Begun() >= c.Limit() {
			return 0
		}
		// It pairs with TakeBack as in Begin.
		if s.word.CompareAndSwap(old, uint64(abi.MakeCursor(c.Lap(), uint16(c.Limit()), uint16(c.Limit())))) {
			return c.Limit() - c.Begun()
		}
	}
}

// Done gives the slot back. The parent sees it with others, but at once if there is no more to do: its line is the parent's to
// read, and each store takes it away.
func (s *SlotReader) Done() {
	s.pos++
	if s.pos == s.seen || s.pos%headEvery == 0 {
		s.head.Store(s.pos) // SYNC POINT slot head: pairs with SlotWriter.Free
		race.Fence()
	}
}

// headEvery is how many slots are given back at a time.
const headEvery = 16
