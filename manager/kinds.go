package manager

// Kinds of objects. Their numbers travel.
const (
	kindDict uint8 = iota + 1
	kindList
	kindSet
	kindNamespace
	kindQueue
	kindMutex
	kindRWMutex
	kindSemaphore
	kindEvent
	kindCond
	kindBarrier
	kindValue
	kindArray
	kindObject
	kindEnd
)

// A kind is what the server knows of a kind of object.
type kind struct {
	name string
	// make makes one of what the call's arguments say. If it returns no object and no error, it calls made or fail later.
	make func(c *call) (object, error)
	// holds tells that a session may hold something in the object: only then leave is called.
	holds bool
}

// kinds are set in package initialization.
var kinds [kindEnd]kind
