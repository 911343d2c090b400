// # Handshake
//
// A connection that Listen or Dial made begins with three messages, of fixed sizes, none longer than 256 bytes. If there is TLS, they are
// inside it.
//
//	listener   hello     magic, flags, 32 random bytes
//	dialer     hello     the same, with another magic
//	           proof     MAC(key, "dialer"   | listener's hello | dialer's hello | binding)
//	listener   verdict   accepted, and MAC(key, "listener" | the same); or rejected
//
// MAC is HMAC-SHA256. The flags say whether this side has a key, and whether it is inside TLS. Both sides must have the same: nothing is
// negotiated. binding is keying material of the TLS connection (as in RFC 9266), nothing without TLS. Package abi has the bytes. Without a
// key the handshake is the same; its MACs then prove only that both speak this protocol.
//
// The key never crosses, and a stranger learns nothing but random bytes and the flags, for the dialer proves first. What a peer without
// the key could try, and what it comes to:
//
//	send what was recorded      the MAC covers 32 random bytes of the other side, new in every connection
//	send back what was sent     hellos and MACs differ by role
//	change a hello on its way   the MAC covers both, flags included
//	pass it on to another       with TLS, the binding is that of another connection
//	guess the key               from one MAC, at leisure: hence 32 random bytes, not a word
//	send other bytes, or more   ErrAuth; no more is read than the message that is due
//	send nothing, or slowly     there is one deadline for all of it; see Listener
//
// Without TLS, who can change packets on their way can pass a handshake on, or take a connection over behind it.
//
// Over a Unix socket without TLS the memory of the rings comes with the verdict. The dialer looks at it (see Rings) once it believes
// the listener.

package pipe
