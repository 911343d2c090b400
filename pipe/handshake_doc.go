// # Handshake
//
// A connection that Listen or Dial made begins with three messages, of fixed sizes, none longer than 256 bytes. If there is TLS,
// they are inside it.
//
//	listener   hello     magic, flags, 32 random bytes
//	dialer     hello     the same, with another magic
//	           proof     MAC(key, "dialer"   | listener's hello | dialer's hello | binding)
//	listener   verdict   accepted, and MAC(key, "listener" | the same); or rejected
//
// MAC is HMAC-SHA256. The flags say whether this side has a key, and whether it is inside TLS; both sides must have the same, and
// nothing is negotiated. binding is 32 bytes of the TLS connection's own keying material (RFC 9266 does the same), nothing without
// TLS. Package abi has the bytes.
//
// The key never crosses. The dialer proves first, so a listener tells a stranger nothing but random bytes and its flags. What
// the peer could try:
//
//	send what was recorded      the MAC covers 32 random bytes of the other side, new in every connection
//	send back what was sent     hellos and MACs differ by role
//	change a hello              the MAC covers both, flags included
//	pass it on to another       with TLS the binding is that of another connection. Without, see below
//	guess the key               from one MAC, at leisure: use 32 random bytes, not a word
//	send other bytes, or more   ErrAuth; at most the size of the message that is due is read
//	send nothing, or slowly     the whole handshake has one deadline, and holds nobody up: see Listener
//
// # Who may connect
//
//	unix, no key     processes of the same effective user, as the kernel says (SO_PEERCRED); each side looks. Root is a user like
//	                 any other: a server that serves other users has a key
//	unix, key        any user that has the key, and to whom the mode of the path lets through
//	tcp, key         who has the key
//	tcp, no key      who has a client certificate that the listener's TLS configuration verifies; else Listen and Dial refuse
//
// An empty key is no key, nil or not: the handshake is the same, but its MAC then proves nothing beyond that both sides speak this protocol.
//
// Without TLS there is no secrecy and no integrity behind the handshake, so who can change packets on their way can take
// a connection over once it is made. That is fine inside a machine, and inside a network that you trust; elsewhere use TLS. With a key,
// TLS needs no authority: the binding proves that who holds the key holds the other end of the TLS connection, so a certificate that the
// listener makes for itself, and InsecureSkipVerify at the dialer, are safe.
package pipe
