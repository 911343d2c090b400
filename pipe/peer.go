package pipe

import (
	"crypto/tls"
	"net"
)

// A Peer is who is at the other end of a Conn, as far as the system knows.
type Peer struct {
	// PID, UID and GID are of the process that called Listen or Dial, or New, and its effective user; -1 over tcp.
	PID, UID, GID int
	// Addr is where it is; nil but over tcp.
	Addr net.Addr
	// TLS is what TLS knows of it, certificates included; nil without.
	TLS *tls.ConnectionState
}

// Peer tells who is at the other end. The process may have died since, or have sent its end to another.
func (c *Conn) Peer() Peer {
	if c, ok := c.c.(interface{ peer() Peer }); ok {
		return c.peer()
	}
	return Peer{PID: -1, UID: -1, GID: -1}
}
