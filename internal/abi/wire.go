package abi

// Frames on the control socket. A frame is its type (1 byte); all but FrameWake go on with a length
// (u32, little endian) and so many bytes.
const (
	FrameWake    byte = 'w' // worker: results or room
	FrameMain    byte = 'm' // worker: Main was called
	FrameHello   byte = 'h' // worker: what it is
	FrameReady   byte = 'r' // worker: its channel is mapped
	FrameNotMain byte = 'n' // worker: it never called Main; text
	FrameFailed  byte = 'f' // worker: it cannot serve; text
	FrameConfig  byte = 'c' // parent: what the worker is to be, with the descriptors
	FrameCancel  byte = 'x' // parent: u64 element number, u8 cause
)

// MaxFrame bounds a frame, so that a broken peer cannot make the other side allocate without limit.
const MaxFrame = 16 << 20

// Causes of a cancellation, in FrameCancel.
const (
	CauseCancel  uint8 = iota + 1 // the caller gave up
	CauseTimeout                  // the element's time is over
)

// ControlFD is the descriptor on which a worker finds its control socket.
const ControlFD = 3

// EnvMarker names the variable that makes a process a worker. Its value is a random token and the depth of the
// process in its family, "<token>.<depth>", and MarkerApart if it is to inherit no descriptor by accident.
const (
	EnvMarker   = "GO_MP_WORKER"
	MarkerApart = "!"
)

// MaxDepth is how deep workers may start workers.
const MaxDepth = 8
