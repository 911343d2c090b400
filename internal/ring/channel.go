package ring

import (
	"fmt"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/abi"
)

// A Layout is the sizes of a channel, known to both sides from the handshake.
type Layout struct {
	Slots int // a power of two
	In    int // bytes beside the slots, parent to worker; a power of two
	Out   int // bytes of results, worker to parent; a power of two
}

// Size is the size of the whole channel.
func (l Layout) Size() int { return abi.HeaderSize + l.Slots*abi.SlotSize + l.In + l.Out }

// Check reports a layout that no channel has.
func (l Layout) Check() error {
	for _, n := range []int{l.Slots, l.In, l.Out} {
		if n < 8 || n&(n-1) != 0 || n > 1<<32 {
			return fmt.Errorf("channel layout %+v: sizes are powers of two of at least 8", l)
		}
	}
	return nil
}

// A Channel is the mapped memory, cut into its parts.
type Channel struct {
	Memory
	SlotMem, InMem, OutMem Memory
	WorkFlag               *atomic.Uint32 // see abi.OffWorkFlag
	RecvFlag               *atomic.Uint32
	RoomFlag               *atomic.Uint32
	Alive                  *atomic.Uint32
}

// Cut cuts mem, which must have the layout's size.
func Cut(mem Memory, l Layout) (*Channel, error) {
	if err := l.Check(); err != nil {
		return nil, err
	}
	if len(mem) != l.Size() {
		return nil, fmt.Errorf("channel of %d bytes, want %d", len(mem), l.Size())
	}
	slots := abi.HeaderSize + l.Slots*abi.SlotSize
	return &Channel{
		Memory:  mem,
		SlotMem: mem[abi.HeaderSize:slots:slots],
		InMem:   mem[slots : slots+l.In : slots+l.In],
		OutMem:  mem[slots+l.In:],

		WorkFlag: mem.U32(abi.OffWorkFlag), RecvFlag: mem.U32(abi.OffRecvFlag),
		RoomFlag: mem.U32(abi.OffRoomFlag), Alive: mem.U32(abi.OffAlive),
	}, nil
}

// ParentEnds are the three ends that the parent holds, of a fresh channel.
func (c *Channel) ParentEnds() (*SlotWriter, *Writer, *Reader) {
	return NewSlotWriter(c.SlotMem, c.U64(abi.OffSlotTail), c.U64(abi.OffSlotHead)),
		NewWriter(c.InMem, c.U64(abi.OffInTail), c.U64(abi.OffInHead), 0),
		NewReader(c.OutMem, c.U64(abi.OffOutTail), c.U64(abi.OffOutHead), 0)
}

// WorkerEnds are the three ends that the worker holds, of a fresh channel.
func (c *Channel) WorkerEnds() (*SlotReader, *Reader, *Writer) {
	return NewSlotReader(c.SlotMem, c.U64(abi.OffSlotTail), c.U64(abi.OffSlotHead)),
		NewReader(c.InMem, c.U64(abi.OffInTail), c.U64(abi.OffInHead), 0),
		NewWriter(c.OutMem, c.U64(abi.OffOutTail), c.U64(abi.OffOutHead), 0)
}
