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
// What waits is in a queue: one for all workers, one for each place, and one for each lease. A worker is in its place, which its successor has
// after it. Elements in flight are begun in their order; the scheduler takes the first for begun, and more when it is told (Begun).
//
// # How many at a time
//
// A message costs a fixed price whatever is in it, so elements travel in batches of about one millisecond of work, by the
// measured time of the function's elements: then the price disappears, and a batch is still short for a human. Nothing
// is known of a new function: its first batches are of one element. A batch is never more than a share of what waits, half of what an
// even split would give, so that the last batches of a job shrink and the workers end together. A Chunk is taken as it is, but that it does
// not take longer than a worker's window, if that is known and the Chunk is not Whole.
//
// A worker holds about four milliseconds of work, at least two elements or chunks, so that it never waits for the parent; measured
// on 2 cores with elements of 10 µs, a window of 2 elements cost half the efficiency, and 64 reached 0.88 of the ideal. The time of
// what it holds is counted by what each job's elements take, so one long element fills a window of short ones.
//
// # Whose turn it is
//
// The highest priority first. Among equals, a job is charged the price of what it is handed, the estimated time; it is paid back
// what is taken back, and corrected by the time that was measured. The one that was charged least is next; of those who were charged the same, one
// that has had nothing, then the oldest. So jobs share the workers by time, whatever their elements need, and a chunk of a thousand is paid
// for as such. This is start-time fair queueing (Goyal, Vin and Cheng, 1996) with the clock of a fluid system: it goes on with the work that is
// finished, divided by the jobs that wait. Who comes new, or has had nothing to do for a while, starts at the clock: he does not catch up, and a call
// among large maps is next but for what runs and what was due. A steady stream of new jobs moves the clock, so it does not keep an old one waiting.
//
// # Nobody idles, and nothing is in the way
//
// None of this may delay anybody. While a worker has nothing, Next gives no other one a second batch: so the first batches of a
// job begin at once, in their order, one on each worker that has nothing. And what a worker has not begun can be taken back. Recall says what, until
// there is nothing; whoever tries tells what he got, or that it had begun, so that it ends:
//
//   - When a worker has no work and none waits, half of what can be moved is asked for from the one with the most, again and again until
//     everybody has something, or nothing is left to begin. If an element turns out a thousand times longer than the last, what was put behind it moves on.
//   - When something of a higher priority waits, or has not begun anywhere, all that is lower and has not begun. And Next hands out nothing lower
//     ahead, or to anybody at all, while something higher has not begun at another: so whoever is free first gets what is highest.
//   - When a job waits whose turn would be before that of a long time of work ahead: so a worker that was given too much, before it was known how long
//     it takes, holds nobody up.
//
// So no worker has nothing to do for longer than it takes to move an element to it while there is one that has not begun, and as many
// elements as there are workers can wait for each other. One that can take nothing, for it is about to end or a payload still streams
// to it, is passed over, and nothing is kept for it.
//
// Priorities are strict, so what is low starves while there is enough that is high.
//
// # Pins
//
// A job with a Pin waits for one worker. Its elements come before others of their priority there, are no victims when somebody idles, and when the worker
// dies they wait for its successor. A key's place is found by rendezvous hashing (Thaler and Ravishankar, 1998) over the places there are, so nothing is
// kept for a key, and a place that comes or goes moves no keys but its own. When a place is shut, what waits for it is hashed anew.
//
// # Leases
//
// A lease takes a worker that has nothing out of what all share. While one waits for that, nobody gets anything ahead, and what has not begun is
// recalled: so it gets the first that ends what it runs, and the others idle no longer than they have to, for that one was busy until
// then. Leases are granted in their order, before anything that waits, whatever its priority: they do not starve. A lease that is released leaves what
// waits for it to the worker's place. One whose worker dies has lost it; its jobs are the owner's to end.
//
// # Deaths
//
// Leave forgets the worker; its owner then knows from the channel what had begun. What had not, it returns, and it goes to
// the front of its job. What had begun fails or, if the caller wants retries, is returned as well.
package sched
