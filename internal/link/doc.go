// Package link is the traffic between a parent and one worker process: batches of elements down, results up, over the
// channel of package ring and the control socket of package spawn. port.go and send.go are the parent's half, server.go
// and element.go the worker's.
//
// # Who wakes whom
//
// The parent wakes the worker whenever it publishes and the worker sleeps. The worker wakes the parent sparingly, for
// a wake-up costs more than most elements: when the batch says that somebody waits for it, when there is nothing
// more to do, when it needs room, and else every 200 µs at the end of a batch. A parent that has sent
// batches of several elements looks for itself every 2 ms, so that no result lies behind a long element of its own batch,
// and no other worker idles because the parent does not know who has something to give.
//
// # What an element costs
//
// A processor that stores by sync/atomic waits until others can see it, some 7 ns on amd64. The worker does so once for each element, when it
// claims it, for there a take-back decides otherwise, and once for each batch. The record of an element, and the word by which its context
// knows that it has ended, are stored in order but without waiting (osenv.StoreRelease); what must be seen before something else is looked
// at, the next claim sees to. The parent takes records of one size and status together.
//
// # Helping
//
// A caller that waits for one element has nothing else to do, so it consumes the results itself for some microseconds, with
// the lock that makes the consumer one at a time, and saves two switches of goroutines and often a wake-up from the
// kernel. While it looks it holds the sleep flag down, and when it leaves it puts the flag up again and looks once more.
//
// # Chunks
//
// A function that takes a whole batch begins all of it by one compare-and-swap, so what was taken back before is not in it, and nothing
// is afterwards. It has one context, that of the first element: the parent cancels that, for it is at the head until the function has
// returned. Then the records follow, one for each. A worker that dies among them has answered some and not the others, of which all have begun.
//
// # Large messages
//
// A payload larger than half the ring is sent to a worker that has nothing else to do, in a goroutine of its own, and
// streams through the ring. The slot comes first, so the worker reads as the parent writes. The element has not begun
// until it was read wholly, so if it is taken back meanwhile, or the worker dies, nobody has run it. A large result streams in the other direction;
// the parent allocates for what has come, not for what was announced, but for the first untrustedSize or trustedSize bytes. A result lies in its
// worker's memory when it is announced: one that is larger than the MemoryLimit is taken for what it is, and the worker killed for being over its limit.
//
// # The worst that a worker can do
//
//	changes its channel               what the parent reads there it reads once: a position, a header, a cursor. It is checked, and used as it was read.
//	                                  A payload is copied before anybody looks into it. Nonsense kills the worker (see package ring)
//	answers what was not asked        killed. What it answers before its element has begun counts, as it would a moment later
//	announces without end             see above; without a MemoryLimit a result may be as large as what comes in its time
//	changes positions to and fro      a thread of the parent looks all the time, as it does for one that sends wakes
//	takes the sleep flag down         its results lie until the tick, or its timeout
//	withholds results                 timeouts are for that
//
// A worker that has begun something and is killed has lost it: so what it forges in its cursor makes its own elements fail, or be run again where Retries
// allow it.
//
// # The side channel
//
// What is not elements goes over a channel of its own, that of package side. Nothing here waits for it, but for the end of a worker:
// its results are handed on first, then what it said there, for hearLimit at most, and then Lost is called.
package link
