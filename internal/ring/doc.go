// Package ring is the channel between a parent and one worker: shared memory, and no system call while both sides
// are busy.
//
// # Model
//
// The parent decides everything, the worker works. Work goes down in slots of 64 bytes, each a batch of elements
// of one function; a payload that does not fit into its slot lies in a byte ring beside them, in the order of the
// slots. Results come up in a second byte ring as records, in the order in which elements began, one for each that
// did. A payload or record may be larger than its ring: it streams through. There is one channel per worker and
// nothing is shared between channels, so a worker that dies or scribbles hurts its own elements only.
//
// Every word has one writer but the cursor of a slot. Positions count bytes or slots since the start and only grow,
// so full and empty differ and nothing wraps in practice; each side keeps a private copy of its own position and of
// the other's as last seen, and reads the other's line only when the copy says full or empty.
//
//	word       writer   reader   meaning
//	slot tail  parent   worker   slots published
//	slot head  worker   parent   slots done, up to 15 late while there is more to do
//	cursor     both, by compare-and-swap: elements begun, elements that may begin (abi.Cursor)
//	in tail    parent   worker   payload bytes published
//	in head    worker   parent   payload bytes consumed
//	out tail   worker   parent   result bytes published
//	out head   parent   worker   result bytes consumed
//
// # Order, and what a kill leaves
//
// The parent writes payloads and slots with their cursors, then in tail, then slot tail. (A payload too large for the
// ring follows its slot; the worker has then nothing else to do.) It writes a slot again only after slot head has passed it;
// nothing else orders the plain stores of one lap behind the loads of the lap before. The worker, for each element: cursor begun+1;
// run; record; out tail. With the last: in head before the record, slot head after it.
//
// A worker killed before begun+1 has not run the element, and the parent may give it to another: it takes it back by
// lowering limit, and if the two race, one compare-and-swap fails. Killed between begun+1 and out tail, it had begun
// and nobody can know how far it came: that element, and only that one, has failed. Killed after out tail, the
// result counts, for the memory outlives its writer: the parent reads on until the ring is empty, and only then
// looks at the cursors. Half a record is below out tail only while it streams, and counts as none. The head words
// tell of free room only; a slot or byte that was consumed and not yet released is lost with the channel.
//
// A parent that dies takes the worker with it (see package spawn); nobody reads the channel then.
//
// # Sleeping
//
// The worker sleeps on WorkFlag, and on RoomFlag when results find no room: it sets the flag to 1, looks again, and
// waits in the kernel while the flag is 1. The parent publishes, then looks at the flag, and if it is 1 swaps it to 0
// and wakes. Both orders are sequentially consistent, so either the worker sees what was published or the parent sees
// the flag. The worker may show its results without that order (Writer.Show), for to wait until each is seen costs more than many an element;
// it then stores to some word by sync/atomic before it looks at the flag, as it does at the end of each batch. Until then a result is
// seen a little later, never out of order, and never lost: what a killed process has stored, it has stored. The parent sleeps in the network poller, reading the control socket: a thread blocked in a futex would
// keep its P from other goroutines. It sets RecvFlag, looks again, and reads; the worker, if it swaps the flag from 1
// to 0, sends one byte. A byte is never lost, so a late swap costs a wake-up too many, never one too few.
//
// # The worst a peer can do
//
// The worker can write anything anywhere in the channel at any time. Lengths and positions are read once, checked
// against what the ring can hold, and payloads are copied out before anybody looks into them. A position that goes
// back, or further than the ring is long, is ErrCorrupt. A cursor that makes no sense means that all of its elements
// have begun: it can only make its own elements fail. The memory is sealed, so it cannot shrink under the parent. A worker that
// withholds its byte or its results is slow, which is what timeouts are for. The worker trusts the parent.
//
// The race detector sees nothing of this memory. What orders the two processes are the atomics named SYNC POINT, each
// at a store and at a load; a test checks that none lost its partner.
package ring
