package abi

// An end of a pipe that moves waits in the office. As bytes it is
//
//	version 1 | carrier 1 | family 16 | token 16
//
// and its deposit there a byte that says where the rest of it is, and, if it is here, that.
const (
	PipeMoveVersion byte = 1
	PipeMoveRings   byte = 1 // a carrier
	PipeMoveFamily       = 16
	PipeMoveSize         = 2 + PipeMoveFamily + OfficeToken
)

// Where the state of an end that moves is.
const (
	PipeStateHere byte = iota
	PipeStateFile      // in the last file: it is too large for the office
)
