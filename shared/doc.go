// Package shared is state that several processes hold at once: locks, conditions, counters, arrays, queues. What it makes can be
// sent to every process of the family, in arguments and results, inside structs, slices and maps, through queues, to processes
// that were started before or after, and refers to the same object there. The family is the processes that mp started,
// and those that they started, from one root.
//
// All memory belongs to the family, has no name, and is gone without a trace when the last of its processes ends, however it
// ends. Free returns an object's memory earlier.
//
// A method that waits returns its context's error if that ends first, and then it has put, taken or locked nothing; but Cond.Wait has its
// mutex again, and Barrier.Wait has broken the barrier.
//
// # When a process dies
//
// Every method may be cut short by a SIGKILL at any instruction. An object is then whole, and everybody else goes on: a mutex
// tells its next owner, read locks and bounded permits come back, a barrier breaks, a wake-up goes to another waiter, an item of a
// queue is there or is not. This takes about a millisecond after the process has ended, or, where its parent is stopped or
// dead, the tenth of a second after which everybody who waits looks for himself.
//
//	Mutex, RMutex     the next owner gets ErrOwnerDied, and the lock; by Do the error alone, until somebody has repaired under Lock
//	RWMutex           after a writer, likewise; a reader's lock is given back
//	Semaphore         bounded: its permits come back; else what it had is gone
//	Cond              it is no waiter any more; wake-ups that it was given go to others
//	Event, WaitGroup  they belong to nobody
//	Barrier           it breaks, if the process had waited at it before
//	Value             it is the old one or the new one, of any size
//	Array             it is as it was left: its Mutex tells
//	Queue             items that it had put are there; those that it had taken by Get are gone, by Take come back
//	Block             its name goes with its creator
//
// A worker lives on when a function returns, and what the function had locked stays locked: give it back with defer, or use Do.
//
// # Memory model
//
// Locks, queues, events and all else that one process waits for in another order memory as their like in package sync do: what
// was written to an array before Unlock is seen after the next Lock. Value and Add are atomic. The race detector knows nothing of this
// memory, so a clean run says nothing about what is in it; what orders the goroutines of one process, it is told.
//
// # Trust
//
// The processes of a family trust each other with this memory. One that writes where it should not, for it runs broken C code,
// say, can break the objects of all, and keep those waiting who use them, also beyond their context. Others check what they read before they
// follow it, so they are not led out of this memory, but what is in it may be anything: errors are the better case. It cannot break the pool that
// runs it, which shares nothing with it but its own channel. A worker that is not to be trusted belongs in a pool with
// mp.PoolConfig.NoArena, which has no part in this memory.
package shared
