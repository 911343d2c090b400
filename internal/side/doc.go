// Package side is the side channel between a parent and each of its workers: all that is not elements. Log records and fractions
// go up, questions go down, as "what do your goroutines do?". The channel of package ring and the control socket know nothing of
// it, so whatever happens here, results come as fast as before.
//
// # Model
//
// One more pair of sockets for each worker, SOCK_SEQPACKET. A frame is one packet, of abi.MaxSide bytes at most: the kernel
// passes it wholly or not at all, so a worker that is killed at any instruction leaves no half of one. What a worker has sent
// lies in the parent's socket and outlives it.
//
// The worker's end comes with the descriptors of the first frame on the control socket, close-on-exec from its first moment, so
// nothing that the worker starts can hold it. In the parent one goroutine reads, in the poller, and hands on what it reads; in
// the worker one goroutine reads questions. Records are written by whoever logs.
//
// # Records
//
// A record is in the kernel's hands when the call that logs returns. So all records of a worker that ends, in order or by a
// crash, are read before its end is reported: the parent reads until the socket is empty, and only a handler that takes too long
// (Finish) keeps the end from being told.
//
// The handler of the parent runs on the goroutine that reads, so nothing is ever queued in the parent: it holds one frame for
// each worker. If the handler is slow the socket fills, and then it is the worker's turn: whoever logs waits for room, all
// waiting together half of the worker's time at most, and a quarter of a second in a row; and if that was in vain, nobody waits
// again before there is room. What finds no room by then is dropped and counted, and the number is told to the parent's logger
// as soon as there is room, or at the end of the worker in order. So a flood of records makes the elements of that worker take
// twice their time at most, a logger that stands still or a parent that is stopped costs them a quarter of a second, and others
// nothing. A burst that the kernel's buffer holds, some hundreds of records, waits for nobody.
//
// Which levels the parent's logger takes is told to the worker at its start: the lowest. Below it a record costs a comparison.
//
// Values cross by kind; what is of no kind crosses as its text, made in the worker, as is a LogValuer's value. Long texts are
// cut, and attributes for which a frame has no room are left out, both visibly. The place in the program where a record was made
// crosses as its distance from a function of this package, for both are the same program.
//
// # Fractions
//
// A fraction names its element by the number in which the worker began it. The engine knows whether that element still runs. Who
// reports them limits their rate in the worker (package link), and the parent limits it once more; both keep the latest for when
// it is time. A fraction for which there is no room is lost: the next one says more.
//
// # Questions
//
// A question goes to the worker with one end of a fresh pair of sockets, and the answer comes back on that: of any size up to
// what the asker takes, not ordered with anything, and never behind records that wait for a slow handler. The end of the pair tells either side
// that the other is gone: an asker whose context ends closes it, and the worker's context of the question ends; a worker that
// dies closes it, and the asker has an error and what had come of the answer. What a stopped worker does not take stays in
// its socket, whose buffer is made so small that a dozen questions fill it; who finds it full waits until his context ends.
//
// Answer names what can be asked. Parent and worker are the same program, so both know the same names.
//
// # The worst that a worker can do
//
//	floods                              the reader is busy with one frame at a time; the parent's handler sees what it can
//	                                    take. Of fractions it passes on 40 in a second
//	a frame that is malformed           the parent reads no more, and says so to its logger; the worker works on. What it says of its elements is another channel's affair
//	attributes nested without end       likewise, from abi.MaxAttrDepth on
//	a frame longer than abi.MaxSide     likewise
//	sends descriptors                   the kernel drops them, for the parent does not ask for any
//	gives its end to another process    that can write until the worker's end; Finish reads what is there then, and no more
//	does not answer                     the asker's context ends
//	answers without end                 the length is checked before anything is read, and memory follows what comes
//	forges                              a record says what the worker wants, but worker and pid are added by the parent
package side
