// Package office keeps descriptors for processes of one family that hand them to each other without knowing who will get them.
// One process deposits them under a token and sends the token, by whatever way; another, which got it, takes them out.
// In between they are in the family's first process, so they survive whoever deposited them. Files named _linux hold what
// only Linux can do; elsewhere every function reports errors.ErrUnsupported.
//
// # Model
//
// A deposit is some bytes and some descriptors under a token, 16 random bytes that its depositor drew.
//
//	Put    makes a deposit of copies
//	Take   takes it out: one caller gets it, for all others it is ErrGone
//	Has    asks whether it is there
//	Drop   closes it
//
// The desk, a map in the family's first process, the root, is all the state there is. The root works on it directly. For all
// others each call is one connection to the root, with one request and one answer. Only the root changes the desk. A
// deposit is nowhere, then on the desk, then nowhere again; under one token there is never another.
//
// # The counter
//
// The root listens on a socket in the abstract namespace, from before it starts its first child: package spawn calls before
// each start. The name is derived from the family's secret, so every member knows it, and nobody can be there before. It goes
// with the process, however that ends. One goroutine waits there, in the runtime's poller; a program that moves nothing pays
// for that, one descriptor, and no system call. Connections are served each by a goroutine, at most so many (seats) at a time.
//
// # An exchange
//
//	root                              member
//	32 random bytes
//	                                  32 random bytes, and its proof
//	its proof
//	                                  a letter: the request
//	a letter: the answer
//	                                  if it was a Put, one byte: the answer has come
//
// A proof is the HMAC, under a key derived from the family's secret, of who says it and both sides' random bytes: it is good for one
// side of one connection. The member says nothing else, and sends no descriptor, before it has seen the root's. Both also ask
// the kernel whether the other side is of the same user, or of the superuser, who may do what he wants anyway.
//
// A letter is a head with the sizes, the bytes, and for each group of descriptors a byte to which they are tied, for the
// kernel lets no more than a group travel together. Sizes are compared with their limits before anything is allocated.
//
// # Killed between two steps
//
// Of the member that is killed, in Put:
//
//	before the request is whole     nothing: the kernel closes descriptors that were under way
//	before its last byte            nothing: the root has it on the desk, misses the byte, and drops it. Put had not returned,
//	                                so nobody has the token
//	after it                        the deposit. This is what the office is for
//
// In Take: before the request is whole, nothing has happened. After it, the deposit is off the desk, and what did not
// reach the member is closed: it ends with the member, as it would have a moment later. In Has and Drop: nothing, or what was asked for.
//
// If the root is killed its family ends (package spawn), and the kernel closes what was on the desk.
//
// An answer that does not come in time is an error, of Put with nothing left on the desk, for the byte will not come either; of
// Take with the deposit gone, or still there.
//
// A deposit for which nobody comes stays as long as the root. Its depositor was killed before it had sent the token, or whoever
// got that was. Who knows that a token will not be used any more calls Drop.
//
// # The worst a stranger can do
//
// A process of another user is turned away when it is accepted, before it has a seat. One of the same user, who could as well
// kill the family, may take a seat for as long as it has patience (one second), say what he likes, and is then turned away: all that is
// read from him are 64 bytes. He learns nothing from what he is told. If he takes all seats, members wait in the kernel's queue until
// his time is over, and try again if they were turned away, for limit (half a minute), after which the call is an
// error. If he takes over the name when the root is dead, members turn away from him, for he has no proof.
//
// A member is believed, as members of a family are, but for sizes: a broken one gets an error, or costs its connection.
//
// # What it does not do
//
// A member in another network namespace does not see the root's socket, and one that has become another user is
// turned away: their calls fail. Each descriptor on the desk is one of the root's, which bounds them: where the root has no more,
// Put fails.
package office
