// Package pipe has message connections between processes: pairs made by New, for the program's own processes, and Listen and
// Dial, for programs that are no relatives, on this machine or on others.
//
//	here, there, err := pipe.New()
//	p, err := child.Start(ctx, there)          // there belongs to the child now
//	err = pipe.Send(ctx, here, Question{...})
//	answer, err := pipe.Recv[Answer](ctx, here)
//
// # Model
//
// A connection has two directions that know nothing of each other. Each carries messages, in order, each whole or not at
// all. A Conn is one end of it. It belongs to one process at a time and is safe for concurrent use there: messages of
// several senders do not mix, and each message goes to one receiver.
//
// Under a Conn is a carrier, which moves bytes:
//
//	rings    two byte rings in a memfd that both ends map, and a socket: between processes of one machine
//	stream   a TCP connection, perhaps with TLS
//
// # Frames
//
// A message is cut into chunks, at most maxChunk bytes each, padded to 8. A chunk begins with a word:
//
//	length 32 | kind 8 | flags 8 | zero 16
//
//	flagFirst   the first chunk of its message
//	flagLast    the last one
//	flagAbort   the message is given up: forget what came of it. length is 0
//
// A message of one chunk is the word and the bytes. One of several has, after the word of its first chunk, a second word:
// its whole size. So a receiver knows before it takes memory whether the message is larger than its MaxMessage; memory
// grows as the bytes come, for the size is the peer's word.
//
//	kind        body
//	bytes       what SendBytes was given
//	value       8 bytes, the fingerprint of the type, and its encoding: Send. Another type than Recv's is a *TypeError
//	file        nothing; the file itself came over the socket, before the word
//
// # What a context that ends leaves
//
// Sending: a message of which nothing was published is not sent. One that was cut short is given up: the next thing this
// end sends is a chunk with flagAbort, and the receiver never sees the message. So a context's error means: not sent.
// Receiving: what came of a message stays with the Conn, and the next receive goes on with it. A context's error means:
// nothing was taken.
//
// # Ends
//
// Close gives the end up. The other side receives what was sent before, then io.EOF; what it sends is io.ErrClosedPipe. So
// it is if the process dies, whenever: the kernel closes the socket. If it died in the middle of a message, that is
// io.ErrUnexpectedEOF, once, and then io.EOF. A message larger than MaxMessage is ErrTooLarge; it is skipped as it comes, and
// the connection goes on. A peer that breaks these rules is ErrCorrupt, for ever.
//
// # Rings
//
// The memfd is sealed, so that no peer can shrink it, and package ring believes nothing that the other side writes. A side
// that finds nothing to read, or no room, spins for some microseconds (package park), then raises its flag, looks again,
// and waits for a byte on the socket. Whoever publishes, or makes room, looks at the flag afterwards, and if it is up swaps it to 0
// and sends a byte. Both orders are sequentially consistent, so either the one sees the data or the other sees the flag. A
// byte is never lost; if the socket is full, there are bytes in it, and the byte is not needed. Sockets wait in
// the runtime's poller, so a connection that sleeps costs no thread. One goroutine for each end reads the socket, from the first
// time that somebody sleeps, or that a file or the end is looked for: it wakes everybody who waits at this end, collects
// files, and sees the end.
//
// The end of the socket says that the peer is gone; the ring may still hold what it sent. So a receiver looks at the
// ring once more after it knows of the end.
//
//	killed                             leaves
//	before the tail is published       nothing of the message
//	between two chunks of a message    a part: io.ErrUnexpectedEOF
//	after the last tail                the message
//	before the wake-up                 a socket that ends, which wakes as well
//
// # Files
//
// SendFile sends a copy of the descriptor over the socket with one byte that is not 0, then the frame through the ring. The kernel
// keeps the descriptor while it is under way, whatever becomes of the sender. As many can be under way as the socket holds,
// some hundreds; then SendFile waits.
//
// # An end that moves
//
// Encoding a Conn takes it out of this process: who is inside comes back with ErrMoved; the socket and the memfd go to the
// family's office (package office) under a random token, with the positions of the rings, the files that were not yet
// taken, and what is owed to a message cut short; and it is closed here. A TCP connection goes in the same way, with what was read from its
// socket and what was not yet written to it; one with TLS stays. The token is the encoding. Decoding it takes them
// out of the office, once: a second process that decodes the same bytes gets ErrMoved. The office is in the family's first
// process, so an end survives whoever sent it. Encoding it again, as a pool does with an element that another worker is to have, gives
// the same token while the end is in the office, and ErrMoved afterwards.
//
// Whoever encodes an end for something that then fails gives it up: it is closed in the office, and its other side sees the end.
//
//	a call, a map, a Process     its outcome says that the argument was not decoded, or nobody waits for the outcome any more
//	a result                     nobody wants it any more
//	Send, Put                    it fails
//	encoding                     something that comes behind the end cannot be encoded
//
// An end that was decoded and that nobody refers to any more is closed by the garbage collector, some time.
//
// What is left is who is killed between the encoding and the sending, and what is in a message or in a queue's item that nobody
// takes out: such an end stays in the office until the family ends, and so does the hope of its other side.
package pipe
