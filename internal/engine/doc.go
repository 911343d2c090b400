// Package engine keeps workers alive and gives them what jobs hold. It stands between the calls of package mp, which know types,
// and the ports of package link, which know processes; package sched decides, this package carries out.
//
// # Model
//
// A job is a call or a map: elements of one function, numbered from 0. An element goes to a worker in a batch; a batch is sent,
// stalled (encoded, without room in the channel), or back with the scheduler. Each element that was added is delivered
// once, or belongs to a job that has ended, which is one outcome as well: its caller gave up, or Abort told him. There is one
// place in which each way ends:
//
//	Result    the worker has sent an outcome; the ladder may have decided before
//	Lost      its worker has ended: begun elements fail or are retried, the rest goes back
//	giveBack  its argument could not be encoded
//	End       its job is over: what has not begun is forgotten, what has is cancelled
//	sweep     the engine was interrupted, and it had not begun
//	abort     the engine is over
//
// # Who may touch what
//
// Two locks, taken in this order: worker.mu guards what a worker has, Engine.mu what waits, the jobs and the states. A job's
// encoding lock is held for reading while arguments are encoded, so that End, which takes it, returns them to the
// caller. Nothing is encoded, delivered or observed under worker.mu or Engine.mu but Lost's bookkeeping.
//
// Results are taken by the port's consumer, one at a time, without a lock: a mutex for each element would cost more than
// the element. It holds a copy of the head of the worker's batches (burst.ahead) and is alone in changing their done.
// Two things could mislead it: a take-back shortens a batch, and a ladder decides about the element at the head. So who does
// either raises worker.alert first, and lowers it when he has written down what changed. A result that follows from a take-back
// was published after the worker saw it, so after the alert: the consumer then sees the alert, and takes the lock, or
// it sees what was written down. Results of one size that are there already are taken many at a time, and as the alert is looked at after
// all of them were read, what holds for one holds for them; the counters of a batch are then stored before they are compared, likewise. A batch is used again only when the consumer itself has dropped it.
//
// How far an element is may be told at any time, on any goroutine, but not after its end. So who tells it holds worker.telling from
// before he looks whether the element still runs; and the consumer, if somebody observes, passes through that lock after he has
// counted an element as done and before he tells so.
//
// # The ladder
//
// An element ends by force in steps: its context is cancelled, Grace passes, its worker's group is killed, its outcome is given when
// the worker is gone, and a successor starts meanwhile. Of one that took too long the worker is asked, when half of Grace is over,
// what its goroutines do; nothing waits for the answer, and what has come of it by the end is in the Exit. It begins for the element at the head when its time is over, or when its
// job has ended. One timer serves all elements of a worker: it is not set back with each, but looks what is left when it goes off. What
// has not begun is taken back before the head is cancelled, so a cancelled number can be nobody else's. Elements that wait behind are
// no victims: they move. Before the kill nothing is left to begin either: if a later element has begun, the head has ended, and its result
// is waited for; that it has begun is the worker's word, which is taken once.
//
// Elements that run together (Job.Together) share their time: the ladder is for all that have begun with the head.
//
// The time that is measured is the element's: not the way of a large argument (Batch.way), nor that in which this process was stopped
// (a timer that is late waits once more) or takes results (worker.taking).
//
// # Deaths
//
// A port reports Lost once, after every result that the worker published. What the channel says has begun, and has no result,
// has failed, by its number of attempts or for good. A worker whose start came to nothing by itself breaks the engine with the
// reason; one that was killed from outside is replaced, later and later, up to five times in a row. A worker that began an
// element was a success: what kills it is its element's affair, whose budget is its own. One that gives the sign that it is dying gets
// nothing more, and is killed if it lives on. Setup, Confine and Teardown are the worker's own: the scheduler does not know them, nobody else
// runs them, and they end with it. A worker that ended by itself before it had begun anything counts as a start that came to nothing: after five in a row the engine breaks.
//
// A start, once New has returned, for which the system has no descriptor, process or memory (EMFILE, ENFILE, EAGAIN, ENOMEM) is tried again,
// later and later, for as long as there is another worker: what lacks may come back, and what can be done is done meanwhile. With no
// worker left the engine breaks after ten in a row, some two seconds.
//
// # Seats
//
// Each index is a seat, on which workers follow each other; the paper's states of a worker are
//
//	starts    until Setup and Confine have ended: Engine.workers has it, or it is an heir
//	works     the scheduler knows it
//	waits     an heir that is ready before its predecessor is spent
//	leaves    the scheduler has forgotten it; what it had not begun went back, what it has begun it finishes, then Teardown
//	gone      Lost
//
// A worker that is to be replaced goes on until its heir takes the seat, under Engine.mu in one step, and then leaves; but one that was
// given all of its MaxTasks gets nothing meanwhile. It may die at any of these moments. In the seat, its heir follows, and if there is
// none another is started. As an heir, another heir is started, later and later, or the engine breaks. Leaving, nobody follows. A seat that
// Resize takes away, or that is parked, loses its worker to leaving in one step as well; a worker that comes up for a seat that is not
// there any more finds that it is retired, and is killed.
//
// # Broadcasts
//
// What is broadcast goes past the scheduler as Setup does, and one is under way at a time. Under Engine.mu either tell finds a worker
// listening, or the worker finds the word when it joins, so each is told once; and a word is kept under the same lock under
// which it is found to be heard, so no worker joins in between. Whether it is heard is not counted, but looked at: nobody is missing, and
// everybody there has run it. So a death needs no bookkeeping.
//
// # Flow
//
// Elements are handed out in handfuls of batches, encoded into one buffer and published together. A worker is topped up when a
// quarter of what it may hold is gone, but not while another has nothing. A payload of more than MaxCopied bytes is streamed by the port while the worker reads, so its buffer is not used again.
//
// What has not begun is taken back when a worker idles, or when it is in the way of something: the scheduler says what, until there is nothing.
// Whoever has made an element wait or a worker idle sees to that, and looks again after each step; who finds
// elements on their way leaves them to him who moves them. What is known of a worker may be old, so that it has nothing to
// give: then its next Progress is on the way, and sees to it.
//
// # Hold
//
// A job whose results lie about can be held: but for its first elements, as many as Hold says, nothing of it begins. What workers have not
// begun is taken back, and so is a batch that was on its way, by whoever sends it. All that is kept beside the scheduler, which knows nothing
// of it, until the job is let go. So what is uncollected grows no more than by what has begun, however many elements were tiny before, and
// were sent by the thousand.
//
// # Interrupt
//
// An interrupt raises a flag, under which nothing is given to a worker any more: who sends looks at it under the worker's lock. Then
// what each worker has not begun is taken back, under that lock, so what is left in it has begun, and climbs the ladder for its Grace. Only
// when all is back what waits is swept: it fails, the lowest first, and so does whatever comes back or is added later, by the same flag, where it
// would have been handed out. The workers are retired at once: Teardown queues up behind what they still run. A job that pulls its elements from somewhere is told
// before, to pull no more.
//
// # One worker only
//
// A job with a key, or of a lease, is pinned: take-backs for others pass it over, in the same way as Setup. A leased worker is not replaced, parked
// or taken by Resize until it is released; Release looks for what has become due. When it dies, Lost ends the jobs of the lease after it has settled what
// had begun.
//
// # States
//
// open, closing (no new jobs; those there are go on), closed (workers end). States only grow. Close waits for the jobs, then lets each
// worker run Teardown; Kill aborts the jobs and ends the workers; both return when the last worker is reaped. Broken is
// closed with a reason that every later call gets.
package engine
