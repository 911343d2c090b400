package codec

import "sync/atomic"

// Some values are in one process at a time, as the end of a pipe is: to encode one moves it out of the process, into the bytes.
// If nobody will decode these, somebody must say so, or whoever is connected to it waits for ever. Append does where it
// fails; who sends what Append made and fails calls GiveUp.
var moves struct {
	count  atomic.Uint64
	find   func(encoded []byte) []byte
	giveUp func(encoded []byte)
}

// SetMoveHooks sets what knows such values: find returns the encodings of those in some bytes, one after the other, nil if there
// are none; giveUp ends those in some bytes that nobody has decoded, at once or soon. Call it once, in an init.
func SetMoveHooks(find func(encoded []byte) []byte, giveUp func(encoded []byte)) {
	moves.find, moves.giveUp = find, giveUp
}

// Moved is called by the marshaller of such a value, each time.
func Moved() { moves.count.Add(1) }

// Moves is how often a value has moved so far.
func Moves() uint64 { return moves.count.Load() }

// MovedInto returns what has moved into bytes, as bytes for GiveUp; nil, and quickly, if nothing has moved since a call of Moves.
func MovedInto(encoded []byte, since uint64) []byte {
	if moves.count.Load() == since {
		return nil
	}
	return moves.find(encoded)
}

// GiveUp says that nobody will decode bytes that Append made. What has moved into them, and was decoded nevertheless, stays.
func GiveUp(encoded []byte) {
	if moves.giveUp != nil && len(encoded) > 0 {
		moves.giveUp(encoded)
	}
}
