package abi

// Frames on the side channel (package side). A frame is one packet: its type (1 byte), then what follows here. Words are little
// endian, a text is its length (u32) and its bytes.
const (
	SideRecord   byte = 'r' // worker: a log record: level 64 | place 64 | time (text) | message (text) | attributes
	SideDropped  byte = 'd' // worker: how many records it has dropped since it last told: u64
	SideFraction byte = 'f' // worker: element number 64 | fraction 64, a float
	SideAsk      byte = 'a' // parent: name (text) | argument, with the descriptor that the answer goes to
)

// MaxSide bounds a frame on the side channel.
const MaxSide = 16 << 10

// Kinds of an attribute in SideRecord. An attribute is its kind (1 byte), its key (text) and its value; AttrEnd is the kind
// alone. A group that has no AttrEnd ends with the record.
const (
	AttrString   byte = 1 + iota // text
	AttrInt                      // 64
	AttrUint                     // 64
	AttrFloat                    // 64
	AttrBool                     // 1 byte, 0 or 1
	AttrDuration                 // 64, nanoseconds
	AttrTime                     // text, as time.Time.MarshalBinary
	AttrGroup                    // nothing: its attributes follow
	AttrEnd
)

// MaxAttrDepth is how deep groups may lie in groups.
const MaxAttrDepth = 32

// An answer to SideAsk is a byte that says what follows, a length (u64) and so many bytes.
const (
	SideAnswered byte = '+' // the answer
	SideRefused  byte = '-' // why there is none
)
