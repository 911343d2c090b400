// Package codec turns values into bytes and back, between two processes that run the same binary.
//
// # What it uses that a general codec cannot
//
// Both sides have the same types with the same layout, so nothing about types is sent. PlanOf walks a type once, by reflection,
// and builds a plan: a tree of functions that work on memory. A run of memory without pointers and without padding is one
// copy, whatever fields are in it, so a slice of numbers costs what copying it costs.
//
// # Format
//
//	numbers            as they lie in memory
//	bool               one byte, 0 or 1; anything else is corrupt
//	string             length (uvarint), bytes
//	slice              0 for nil, else length+1 (uvarint), elements
//	map                0 for nil, else length+1, keys and values by turns, in no order
//	pointer            0 for nil, 1 and what it points to
//	array, struct      elements, fields; fields named _ are left out; a struct that has nothing else is one 0
//	marshaller         length, what MarshalBinary, or else GobEncode, or else MarshalText, returned
//	interface          0 for nil, else 1, the registered name as a string, the value
//	error (the type)   0 for nil, else 1 and what the hooks of SetErrorHooks make of it
//
// A value delimits itself, so values can follow each other with nothing between. Only a type without memory, like
// struct{}, takes no bytes.
//
// # What can cross
//
// Everything but channels, functions, unsafe.Pointer, and structs with unexported fields that have no marshaller: copying
// half of a struct silently would be worse than an error. For the same reason the marshaller of an embedded field does not
// stand for a struct that has more fields. PlanOf reports where in the type the trouble is. What two pointers share is
// copied twice. A value that contains itself is ErrCycle, found by depth: MaxDepth levels.
//
// # Hostile input
//
// Decode believes nothing. Every length is compared with what is left before anything is allocated: n elements need at
// least n times their least size, and bytes that one length has counted are out of sight for the lengths inside. Where elements
// have much more memory than bytes, slices grow as these come. So what is allocated is a small multiple of what was
// received, unless a type by itself has much more memory than bytes. Depth is limited, names
// of interfaces are looked up in a table, invalid bools are refused. Nothing refers to the input afterwards. A type's own
// unmarshaller sees bytes of the peer's choice; that it stands them is its author's promise.
package codec
