// Package arena is the memory that a family of processes has in common.
//
// # The memory
//
// One memfd, sparse, as large as there is address space for, from 64 GiB down to 1 GiB, sealed against being resized,
// without a name: it is gone with the last process that has it. All processes map it whole, each at another address, so what
// lies in it refers to other parts by offset or by number. Pages cost when they are touched, first by anybody (4.4 µs here)
// and then in each further process (1.7 µs); that is the real price of shared memory.
//
//	header, bells, slots | dirty bits | cells | tree | memory that is given out
//
// # Cells
//
// Whatever is given out has a cell: kind, generation and state in one word, Meta, and offset and size of its memory. Cells are the
// truth; all else is a summary of them. A handle is a cell's number and generation: it fits as long as Meta is what it was.
//
//	free -> building -> live -> ending -> free
//
// Building and ending, a cell belongs to the process in Owner, whose sweep brings it to free. Live, it belongs to nobody. Each transition is
// one store to Meta, and from free to building the generation grows. A cell's locks are freed until it is live, so who comes with an old
// handle does not get in; one that had looked before gets in for a moment, finds another generation, and leaves again: locks are locks in every kind.
//
// # The allocator
//
// Memory comes in blocks of powers of two, from 256 bytes, of which a buddy tree says which are free. The lowest and tightest fitting one is given out, so what was
// used is used again, with its pages. The list of free cells, the counters, and the tree are guarded by HeapLock and
// are summaries: a process that dies with the lock leaves them as they are, and the sweep makes them anew from the cells.
//
//	allocate  1 take a block in the tree (*)  free  1 set the dirty bits of the memory
//	          2 take a cell off the list            2 Meta: free
//	          3 describe the block in the cell      3 give the block back in the tree
//	          4 Meta: building                      4 put the cell on the list
//	          5 count
//
// (*) HeapTop, up to which the tree is made anew, grows before.
//
// Killed before 4, nothing was given out; after it, a building cell of a dead owner is freed. Killed before 2 of free, it is still ending, and
// the sweep frees it; after it, it is free. Rebuilding reads every cell, a millisecond for some ten thousand.
//
// Memory is zero when it is given out: memory that was never used is, and dirty bits, one for 64 KiB, tell which may not be. They are
// set before memory is given back, and cleared when it is given out again, or its pages went back to the system. That happens in the background, a second after
// memory was freed, if much lies about then: block by block, each of which is a building cell of that process meanwhile.
//
// # The sweep
//
// It rebuilds the heap if the dead process had its lock, and then looks at every cell: what the victim was building or ending is
// freed, together with its parts; live objects bury it, each kind in its own way (see Kind, and package shared).
// Where it meets a guard that another dead process has, it takes that over as well: see package robust.
//
// Who waits for an object may set his bell in a mask of its cell when that is another object's already. So the words that are masks are
// masks in every kind, Waiting, Waiting2 and E, where a bit too many costs a needless ring.
//
// # Damage
//
// Whoever has the arena can write anything into it. What is read from it is read once, and leads nowhere outside of it: the size of the arena is
// that of the mapping and not the header's, a cell's block is one that an allocator could have given out (Arena.block), a number of a cell is
// in range, and the heap's summary gives out nothing in front of the memory. So damage makes objects wrong, or an error, or lost with their memory. What
// it cannot be kept from is a lock: one whose word names a process that lives is waited for.
package arena
