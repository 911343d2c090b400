// Package manager has objects that live in a server process: dicts, lists, sets, locks, queues, and whatever a program makes
// itself. Any process that has a proxy of one calls its methods, wherever it runs.
//
//	m, err := manager.Start(manager.Config{})
//	scores, err := manager.NewDict[string, int](m)
//	err = scores.Set(ctx, "ada", 1)
//	_, err = worker.Map(ctx, pool, []Job{{Scores: scores}, ...}) // proxies travel
//
// Package shared is faster by far and needs no server; a manager is for what it can't do: containers that grow, values of
// any size and type, objects of one's own, other machines.
//
// # Model
//
// A server holds objects and knows its clients, which are processes. A process has one connection to a server, whatever
// number of proxies and goroutines use it: a session. All that a process holds in the server belongs to its session, and
// is given back when that ends, which is when the process does, or its connection breaks: references, locks, permits, calls
// that wait or run. Nothing is asked of who died.
//
// A proxy is a server's number, an object's number, and a way to get there. The server's number, 16 random bytes, is
// all that a process needs that has a session with it; the way is for others of the same family.
//
// # Messages
//
// They travel over package pipe: through rings where both are on one machine, else through TCP. A request:
//
//	id u32 | op u8 | method u8 | 0 u16 | object u64 | arguments
//
// and its answer, in any order:
//
//	id u32 | status u8 | 0 u24 | result
//
// opCancel names the id of another request; opRetain and opRelease have no answer. A client over TCP begins each session with
// opHello and its number, 16 random bytes: the server first ends the session before, of which requests may still be under way. Arguments and results are numbers as
// uvarints and byte strings with their lengths. Keys and values are encoded by the clients, and the server looks into neither: two
// keys are the same if their encodings are. It never runs what a message brings, only what the program registered.
//
// # Server
//
// Each session has a goroutine that reads its requests and carries them out, in order. No method of an object waits: one that
// has to, like Lock, puts the call on the object's list, and the answer comes from whoever makes it possible. So a blocked call blocks
// nobody, and costs some hundred bytes. Functions of the program (Compute, Sort, methods of classes) run on goroutines of their own, with
// a context that ends when the caller's does or its session.
//
// Answers never wait either. If a client does not read, they queue, and while more than maxUnread bytes do, its session reads no
// further requests; answers that others cause still queue, one for each call that it has waiting, and end its session when they are
// more than maxBacklog.
//
// Locks are taken in this order: an object's, the server's, a session's; of two sets, that of the lower number first. What an object lets go of (values that refer to other objects) is
// dropped after its lock is released.
//
// # Life of an object
//
// It lives while something refers to it: a session (retained by a proxy in that process), a value that is kept in an object or under a
// published name, or a loan. Values are bytes to the server, so it looks for its own number in them: what follows is
// an object's. Between the encoding of a proxy in one process and its decoding in another nobody has it; so whoever encodes one,
// and the server when it gives out a value with one, lends it for Config.Lease (1 minute): a proxy that is longer
// under way, while no process and no object has another, leads to ErrNotFound. So does a session over TCP that ends lend what it
// retained, for the process may be on its way back. Objects that refer to each other in a circle live as long as the server.
//
// # What ends
//
//	client killed                 the kernel ends its connection; its session ends at once
//	client stopped                keeps what it has; nobody but who wants that waits
//	client's machine gone         TCP keepalive ends the session after some 50 s
//	call cancelled                opCancel; the server answers at once that it was, or that it had been done. A function's
//	                              context ends; what it does then is its own affair, the caller waits cancelWait for it and no longer
//	server killed                 every call, and every later one: ErrClosed
//	server stopped                contexts end the waits
//	starter killed                the server goes with it, as any child does
//	connection broken (TCP)       ErrInterrupted for calls under way that change something: they may have been carried out or not. Those
//	                              that only read, and waits for locks, are sent again, over a new connection: a new session, that
//	                              holds no locks. Later calls use it, too
//
// # Compute
//
// The server reads the value, calls the function without any lock, and stores the result if the value is still the one that it
// read; else it starts again. So it is atomic, a function that hangs hangs nobody else, and one that is slow may be called
// several times.
package manager
