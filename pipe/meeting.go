package pipe

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// A meeting is two sockets, of which this process has one, on their way to be the ends of a connection. It has the handshake, and what
// comes before and after it.
type meeting struct {
	handshake

	config *Config
	socket net.Conn
	end    int      // 0 is the listener's, 1 the dialer's
	sealed *sealed  // TLS over the socket; nil without
	rights *rights  // the socket, for a file to cross with the verdict; nil with TLS, and with tcp
	memory *os.File // of the rings, where there are rights
}

// meet begins a meeting. Whatever comes of it must be opened or closed.
func (c *Config) meet(socket net.Conn, end int) *meeting {
	_ = socket.SetDeadline(time.Now().Add(c.HandshakeTimeout))
	m := &meeting{config: c, socket: socket, end: end}
	m.conn, m.key = socket, c.AuthKey
	if u, ok := socket.(*net.UnixConn); ok && c.TLS == nil {
		m.rights = &rights{UnixConn: u}
		m.conn = m.rights
	}
	return m
}

// dial is the dialer's side.
func (m *meeting) dial(address string) error {
	if err := m.sameUser(); err != nil {
		return err
	}
	if t := m.config.TLS; t != nil {
		if err := m.seal(tls.Client, dialerTLS(t, address)); err != nil {
			return err
		}
	}
	if err := m.prove(); err != nil {
		return err
	}
	if m.rights == nil {
		return nil
	}
	var err error
	m.memory, err = m.rights.only()
	return err
}

// listen is the listener's side.
func (m *meeting) listen() error {
	if t := m.config.TLS; t != nil {
		if err := m.seal(tls.Server, listenerTLS(t)); err != nil {
			return err
		}
	}
	err := m.hear()
	if err == nil {
		err = m.believe()
	}
	if errors.Is(err, ErrAuth) {
		m.reject()
	}
	if err != nil {
		return err
	}
	if m.rights != nil {
		if m.memory, err = newMemory(); err != nil {
			return err
		}
		m.rights.send = m.memory
	}
	return m.accept()
}

// believe is what the listener has to know beyond the proof.
func (m *meeting) believe() error {
	if err := m.sameUser(); err != nil {
		return err
	}
	// Config.validate saw to it, but GetConfigForClient may have changed it.
	if _, ok := m.socket.(*net.TCPConn); ok && len(m.key) == 0 && len(m.sealed.ConnectionState().VerifiedChains) == 0 {
		return fmt.Errorf("%w: the dialer has neither a key nor a certificate that was verified", ErrAuth)
	}
	return nil
}

// sameUser looks at who is at the other end, where nothing else tells.
func (m *meeting) sameUser() error {
	u, ok := m.socket.(*net.UnixConn)
	if !ok || len(m.key) > 0 {
		return nil
	}
	peer, err := credentials(u)
	if err != nil {
		return err
	}
	if uid := os.Geteuid(); peer.UID != uid {
		return fmt.Errorf("%w: process %d there is of user %d, this one of user %d, and there is no key", ErrAuth, peer.PID, peer.UID, uid)
	}
	return nil
}

// open makes a Conn of a meeting that went well.
func (m *meeting) open() (*Conn, error) {
	if m.rights == nil {
		_ = m.socket.SetDeadline(time.Time{})
		return newConn(newStream(m.socket, m.sealed), m.config.MaxMessage), nil
	}
	socket, err := m.rights.File() // a copy
	if err != nil {
		return nil, err
	}
	c, err := ringConn(socket, m.memory, m.end, m.config.MaxMessage)
	if err != nil {
		socket.Close()
		return nil, err
	}
	m.memory = nil
	m.close()
	return c, nil
}

// close closes what did not become a Conn's.
func (m *meeting) close() {
	_ = m.socket.Close()
	if m.memory != nil {
		_ = m.memory.Close()
	}
	if m.rights != nil {
		m.rights.drop()
	}
}
