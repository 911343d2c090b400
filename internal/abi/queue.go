package abi

import "sync/atomic"

// A QueueControl is the memory of a queue's cell. Who puts holds the cell's Lock; who gets holds that of the cell of the
// queue's other end.
type QueueControl struct {
	Puts atomic.Uint64 // items that were put; who puts
	_    [Line - 8]byte

	Gets atomic.Uint64 // items that were taken; who gets
	_    [Line - 8]byte

	// Where item number Puts goes is Tail[Puts%2]: the other one is written before Puts makes it the one that counts.
	Tail      [2]QueueMark
	GetsSeen  uint64 // Gets and Head's Bytes when somebody who puts looked last
	BytesSeen uint64
	_         [Line - 64]byte

	// Where item number Gets lies is Head[Gets%2].
	Head     [2]QueueMark
	PutsSeen uint64
	_        [Line - 56]byte

	Capacity uint64        // immutable; 0: no limit
	Limit    uint64        // immutable; encoded bytes
	First    atomic.Uint64 // the first segment; who puts the first item
	Closed   atomic.Uint32
	_        uint32
	Done     atomic.Uint64 // by TaskDone
	Returned atomic.Uint64 // deliveries that came back, at least
	_        [Line - 48]byte
}

// A QueueMark is a place in a queue's segments.
type QueueMark struct {
	Segment uint64 // cell, 0 for none yet
	Offset  uint64
	Bytes   uint64 // encoded bytes of all items before it
}

// A record in a segment is a header and the item, padded to QueueAlign. The header is the item's size, or QueueJump and the cell of
// the segment in which the next record is. After each record there is room for such a header.
const (
	QueueHeader        = 8
	QueueAlign         = 8
	QueueJump   uint64 = 1 << 63
)
