// Package sched is the pool's decisions as a pure state machine: which worker gets which elements, when, and how many
// at a time. It does no I/O, has no clock and takes no lock; its owner calls it under one, and carries out what it says.
//
// # Model
//
// A job is a sequence of elements numbered from 0, of which some are available. Each element is in one place:
//
//	waiting     available, or returned; Next hands it out
//	in flight   with a worker, begun or not
//	gone        finished, failed or dropped: the owner counts it, the scheduler has forgotten it
//
// Next moves elements from waiting to in flight, Finished from in flight to gone, Return from in flight back to waiting,
// End from waiting to gone. Nothing else moves, so each element that was added is handed out once and once more for
// each time it was returned.
//
// # How many at a time
//
// A message costs a fixed price whatever is in it, so elements travel in batches of about one millisecond of work, by the
// measured time of the function's elements: then the price disappears, and a batch is still short for a human. Nothing
// is known of a new function: its first batches are of one element. A batch is never more than a share of what waits, half of what an
// even split would give, so that the last batches of a job shrink and the workers end together.
//
// A worker holds about four milliseconds of work, at least two elements, so that it never waits for the parent; measured
// on 2 cores with elements of 10 µs, a window of 2 elements cost half the efficiency, and 64 reached 0.88 of the ideal.
//
// # Nobody idles
//
// None of this may delay anybody. While a worker has nothing, Next gives no other one a second batch: so the first batches of a
// job begin at once, in their order, one on each worker that has nothing. And what a worker has not begun can be taken back. When a
// worker has no work and none waits, Victim names the one with the most in flight, of which half is asked for, again and again
// until everybody has something, or nothing is left to begin. If an element turns out a thousand times longer than the last,
// what was put behind it moves on.
//
// So no worker has nothing to do for longer than it takes to move an element to it while there is one that has not begun, and as many
// elements as there are workers can wait for each other. One that can take nothing, for it is about to end or a payload still streams
// to it, is passed over, and nothing is kept for it.
//
// Jobs take turns, a batch each, so a short one is not kept waiting by a long one.
//
// # Deaths
//
// Leave forgets the worker; its owner then knows from the channel what had begun. What had not, it returns, and it goes to
// the front. What had begun fails or, if the caller wants retries, is returned as well.
package sched
