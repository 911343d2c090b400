package pipe

import (
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

// sealed is a TLS connection whose writes never wait, once it is told where they go: a tls.Conn in which a write was cut short is of no
// more use.
type sealed struct {
	*tls.Conn

	under *under
}

// under is what a sealed connection writes to.
type under struct {
	net.Conn

	to func(b []byte) // instead of the Conn; nil until the handshake is done
}

func (u *under) Write(b []byte) (int, error) {
	if u.to == nil {
		return u.Conn.Write(b)
	}
	u.to(b)
	return len(b), nil
}

// SetWriteDeadline does nothing once writes do not wait: a tls.Conn that ends sets one.
func (u *under) SetWriteDeadline(t time.Time) error {
	if u.to == nil {
		return u.Conn.SetWriteDeadline(t)
	}
	return nil
}

// seal puts TLS over the socket and makes the handshake a part of it.
func (m *meeting) seal(side func(net.Conn, *tls.Config) *tls.Conn, config *tls.Config) error {
	u := &under{Conn: m.socket}
	m.sealed = &sealed{side(u, config), u}
	m.conn = m.sealed
	if err := m.sealed.Handshake(); err != nil {
		return failed(err)
	}
	state := m.sealed.ConnectionState()
	var err error
	if m.binding, err = state.ExportKeyingMaterial(abi.HandshakeExporter, nil, abi.HandshakeBinding); err != nil {
		return fmt.Errorf("%w: %w", ErrAuth, err)
	}
	return nil
}

func dialerTLS(c *tls.Config, address string) *tls.Config {
	c = ourTLS(c)
	if host, _, err := net.SplitHostPort(address); err == nil && c.ServerName == "" {
		c.ServerName = host
	}
	return c
}

func listenerTLS(c *tls.Config) *tls.Config {
	c = ourTLS(c)
	c.SessionTicketsDisabled = true // connections are few, and live long
	return c
}

func ourTLS(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.MinVersion = max(c.MinVersion, tls.VersionTLS13)
	c.DynamicRecordSizingDisabled = true // nobody looks at a part of a message
	return c
}
