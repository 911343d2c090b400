package pipe

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"
)

// Config is what the connections of a Listener or a Dial are to be. The zero value works for Unix sockets.
type Config struct {
	// AuthKey is the secret that both sides must have: 32 bytes of crypto/rand, not a word, for it can be guessed at leisure by who has
	// seen one handshake. An empty one is none: then Unix sockets connect processes of the same user only, and tcp needs TLS with
	// client certificates. Defaults to none.
	AuthKey []byte
	// TLS encrypts the connections, by TLS 1.3. A listener's has Certificates; without an AuthKey, over tcp, it also has ClientAuth
	// tls.RequireAndVerifyClientCert, and a dialer's has Certificates. ServerName defaults to the host that is dialed. Such
	// connections cannot move to another process, and carry no files. Defaults to none.
	TLS *tls.Config
	// MaxMessage is the largest message that is received, in bytes; a larger one is ErrTooLarge. Defaults to no limit.
	MaxMessage int64
	// HandshakeTimeout is how long a peer may take to prove who it is, from when the connection is made; the dialer waits for its
	// place in the listener's backlog as well. Defaults to 10 seconds.
	HandshakeTimeout time.Duration
	// MaxHandshakes is how many connections of a Listener may be in the handshake at once. One more drops the oldest. Defaults to 256.
	MaxHandshakes int
	// Backlog is how many connections wait for Accept, their handshake done, before a Listener takes no more. Defaults to 128.
	Backlog int
	// Logger is told of connections that a Listener turned away, and why. Defaults to none.
	Logger *slog.Logger
}

const (
	defaultHandshakeTimeout = 10 * time.Second
	defaultMaxHandshakes    = 256
	defaultBacklog          = 128
)

// validate says what is wrong, for these networks only; listens tells the side.
func (c *Config) validate(network string, listens bool) error {
	for _, f := range []struct {
		name string
		n    int64
	}{
		{"MaxMessage", c.MaxMessage}, {"HandshakeTimeout", int64(c.HandshakeTimeout)},
		{"MaxHandshakes", int64(c.MaxHandshakes)}, {"Backlog", int64(c.Backlog)},
	} {
		if f.n < 0 {
			return fmt.Errorf("mp/pipe: Config.%s is negative: %d", f.name, f.n)
		}
	}
	if network != "unix" && network != "tcp" {
		return fmt.Errorf(`mp/pipe: the network is "unix" or "tcp", not %q`, network)
	}
	if t := c.TLS; t != nil {
		if t.MaxVersion != 0 && t.MaxVersion < tls.VersionTLS13 {
			return fmt.Errorf("mp/pipe: Config.TLS.MaxVersion is %s: at least TLS 1.3 is needed", tls.VersionName(t.MaxVersion))
		}
		if listens && len(t.Certificates) == 0 && t.GetCertificate == nil && t.GetConfigForClient == nil {
			return fmt.Errorf("mp/pipe: Config.TLS has no Certificates, which a listener needs")
		}
	}
	if network == "tcp" && len(c.AuthKey) == 0 {
		return c.validateCertificates(listens)
	}
	return nil
}

// validateCertificates is for where nothing but certificates tells who is there.
func (c *Config) validateCertificates(listens bool) error {
	const else_ = ": without Config.AuthKey anybody could connect. Set it to a secret that both sides have, or "
	t := c.TLS
	switch {
	case listens && (t == nil || t.ClientAuth != tls.RequireAndVerifyClientCert):
		return fmt.Errorf("mp/pipe: listen tcp%sConfig.TLS with ClientAuth tls.RequireAndVerifyClientCert", else_)
	case listens:
		return nil
	case t == nil || len(t.Certificates) == 0 && t.GetClientCertificate == nil:
		return fmt.Errorf("mp/pipe: dial tcp%sConfig.TLS with Certificates that the listener verifies", else_)
	case t.InsecureSkipVerify && t.VerifyConnection == nil && t.VerifyPeerCertificate == nil:
		return fmt.Errorf("mp/pipe: dial tcp: Config.TLS.InsecureSkipVerify without Config.AuthKey: anybody could be the listener")
	}
	return nil
}

func (c Config) withDefaults() Config {
	setDefault(&c.HandshakeTimeout, defaultHandshakeTimeout)
	setDefault(&c.MaxHandshakes, defaultMaxHandshakes)
	setDefault(&c.Backlog, defaultBacklog)
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
