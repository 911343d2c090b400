package abi

// Messages of the handshake between a dialer and a listener (package pipe), in this order. Words are little endian.
//
//	hello    magic 64 | flags 64 | nonce 256    both, at once; each has a magic of its own
//	proof    MAC 256                            the dialer
//	verdict  word 64 | MAC 256                  the listener. Over a Unix socket without TLS, a descriptor comes with an acceptance
const (
	HelloMagic   = 0
	HelloFlags   = 8
	HelloNonce   = 16
	HelloSize    = HelloNonce + 32
	ProofSize    = 32
	VerdictWord  = 0
	VerdictProof = 8
	VerdictSize  = VerdictProof + ProofSize
)

// The magics change with any byte of this protocol or of the pipe that it opens.
const (
	HelloDialer   uint64 = 0x314c4149445f504d // "MP_DIAL1"
	HelloListener uint64 = 0x315453494c5f504d // "MP_LIST1"
)

// Flags of a hello. Both sides must have the same.
const (
	HelloKeyed uint64 = 1 << iota // this side has a key
	HelloTLS                      // and this one is inside TLS
)

// Words of a verdict.
const (
	VerdictAccepted uint64 = 1 + iota
	VerdictRejected
)

// What goes into a MAC before the hello of the dialer, the hello of the listener and, with TLS, HandshakeBinding bytes of keying
// material under the label HandshakeExporter. Each role has a label of its own, so that no proof can be sent back to who made it.
const (
	HandshakeDialer   = "go-multiproc/mp pipe 1 dialer\x00\x00\x00"
	HandshakeListener = "go-multiproc/mp pipe 1 listener\x00"
	HandshakeExporter = "EXPORTER-go-multiproc-mp-pipe-1"
	HandshakeBinding  = 32
)

// The labels are of one length, and no message is longer than 256 bytes.
const (
	_ = uint(len(HandshakeDialer) - len(HandshakeListener))
	_ = uint(len(HandshakeListener) - len(HandshakeDialer))
	_ = uint(256 - HelloSize - VerdictSize)
)
