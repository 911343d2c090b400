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
// A message is cut into chunks, at most abi.PipeMaxChunk bytes each, padded to 8. A chunk begins with a word:
//
//	length 32 | kind 8 | flags 8 | zero 16
//
//	PipeFirst   the first chunk of its message
//	PipeLast    the last one
//	PipeAbort   the message is given up: forget what came of it. length and kind are 0
//
// A message of one chunk is the word and the bytes. One of several has, after the word of its first chunk, a second word:
// its whole size. So a receiver knows before it takes memory whether the message is larger than its MaxMessage; memory
// grows as the bytes come, for the size is the peer's word. Only the last chunk may be empty.
//
//	kind        body
//	bytes       what SendBytes was given
//	value       8 bytes of a hash of the type's signature (package codec), and the encoding: Send
//	file        nothing; the file itself came over the socket, before the word
//
// A sender publishes whole chunks only, as large as there is room for, so it owes nothing in the middle of one. Behind a chunk
// that is not the last it leaves room for one more word, so that it can give the message up at any moment, without waiting.
//
// What is received must be what was sent. If the next message is of another kind, that is ErrKind, and the message stays, for who
// asks for the right one. A value of another type is a *TypeError, and consumed, as is one that does not decode.
//
// # What a context that ends leaves
//
// Sending: a message of which nothing was published is not sent. One that was cut short is given up with PipeAbort, and the
// receiver never sees it. So a context's error means: not sent. Closing or moving the sender's end in the middle of a message
// does the same.
//
// Receiving: what came of a message stays with the Conn, and the next receive goes on with it. A context's error means:
// nothing was taken. Poll works in the same way: it keeps what has come, and is true when a message is whole. So it is true
// of nothing that is given up later, and the receive that follows does not wait.
//
// # Ends
//
// Close gives the end up. The other side receives what was sent before, then io.EOF; what it sends is io.ErrClosedPipe. So
// it is if the process dies, whenever: the kernel closes the socket. If it died in the middle of a message, that is
// io.ErrUnexpectedEOF, once, and then io.EOF. A message larger than MaxMessage is ErrTooLarge, told as soon as it begins; it is
// skipped as it comes, and the connection goes on. A peer that breaks these rules is ErrCorrupt, for ever, in that direction.
//
// What was sent to an end that dies before it has received it is lost, and its sender is not told: a send that returns has put
// the message on its way.
//
// # Rings
//
// The memfd is sealed, so that no peer can shrink it, and package ring believes nothing that the other side writes. A side
// that finds nothing to read, or no room, spins for some microseconds (package park), then sets the state of its end to PipeAsleep,
// looks again, and waits for a byte on the socket. Whoever publishes, or makes room, looks at the state afterwards, and if it is
// PipeAsleep swaps it to PipeAwake and sends a byte. Both orders are sequentially consistent, so either the one sees the data or the
// other sees the state. A byte is never lost; if the socket is full, there are bytes in it which the sleeper has yet to read, and
// one more is not needed. A sleeper that is not needed any more leaves the state as it is: that costs a byte. A writer that sleeps
// needs at most a quarter of the ring, and is woken when it has that: else a slow reader would wake it for each message.
//
// Sockets wait in the runtime's poller, so a connection that sleeps costs no thread. One goroutine for each end, watch, reads the
// socket from the first use of the end on: it wakes everybody who waits at this end, collects files, and sees the end.
//
// An end that is closed in order sets its states to PipeClosed, for whoever sends to it without ever looking at the socket. The
// authority is the end of the socket: it says that the peer is gone, and nothing comes any more. The ring may still hold what it
// sent, so a receiver looks at the ring once more after it knows of the end.
//
//	killed                             leaves
//	before the tail is published       nothing of the message
//	between two chunks of a message    a part: io.ErrUnexpectedEOF
//	after the last tail                the message
//	before the wake-up                 a socket that ends, which wakes as well
//
// Whoever uses the memory has the lock of a lane of the Conn, or is counted as inside. Close first bars both lanes, then wakes those who
// are inside, waits until they have left, and only then unmaps.
//
// The worst a peer can do: it scribbles, and what it sends is ErrCorrupt, or wrong; it withholds bytes, and is slow; it floods
// the socket, or sets our states, and costs time. Nothing that it does keeps a context or a Close waiting.
//
// # Files
//
// SendFile sends a copy of the descriptor over the socket with a byte PipeFile, then the frame through the ring, for which there was
// room before. So whoever sees the frame finds the file in the socket, or nobody has sent one, which is ErrCorrupt. A file that the
// receiver had no descriptor for is an error of its RecvFile, and consumed. The kernel keeps the descriptor while it is under way,
// whatever becomes of the sender. At most abi.PipeMaxFiles are under way, sent and not consumed as the ring's position tells; then
// SendFile waits. So a receiver that never takes files holds no more of them, and can always read its socket to the end.
//
// # An end that moves
//
// Encoding a Conn takes it out of this process: who is inside comes back with ErrMoved; the socket and the memfd go to the
// family's office (package office) under a random token, with the positions of the rings, the files that were not yet
// taken, and what was received of a message; and it is closed here. A TCP connection goes in the same way, with what was read from its
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
