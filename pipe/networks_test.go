package pipe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// A network is a way to connect two programs.
type network struct {
	name, network, address string
	listener, dialer       Config
}

var secret = []byte("not a word but thirty-two bytes.")

// networks are all there are. Certificates are made at the first use.
var networks = sync.OnceValue(func() []network {
	authority := newAuthority()
	server, client := authority.certificate("localhost"), authority.certificate("client")
	verified := &tls.Config{RootCAs: authority.pool}
	verified1 := &tls.Config{RootCAs: authority.pool, Certificates: []tls.Certificate{client}}
	encrypted := &tls.Config{Certificates: []tls.Certificate{server}}
	mutual := &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authority.pool}
	key := Config{AuthKey: secret}
	return []network{
		{name: "path", network: "unix", address: "path"},
		{name: "abstract", network: "unix"},
		{name: "unix with a key", network: "unix", address: "path", listener: key, dialer: key},
		{
			name: "unix with TLS", network: "unix",
			listener: Config{TLS: encrypted}, dialer: Config{TLS: &tls.Config{RootCAs: authority.pool, ServerName: "localhost"}},
		},
		{name: "tcp", network: "tcp", address: "127.0.0.1:0", listener: key, dialer: key},
		{
			name: "TLS", network: "tcp", address: "localhost:0",
			listener: Config{AuthKey: secret, TLS: encrypted}, dialer: Config{AuthKey: secret, TLS: verified},
		},
		{
			name: "mutual TLS", network: "tcp", address: "localhost:0",
			listener: Config{TLS: mutual}, dialer: Config{TLS: verified1},
		},
	}
})

// onAll runs a test over every network.
func onAll(t *testing.T, test func(t *testing.T, n network)) {
	t.Helper()
	for _, n := range networks() {
		t.Run(n.name, func(t *testing.T) {
			noLeaks(t)
			if n.address == "path" {
				n.address = filepath.Join(t.TempDir(), "socket")
			}
			test(t, n)
		})
	}
}

// by is the network of this name.
func by(t testing.TB, name string) network {
	t.Helper()
	for _, n := range networks() {
		if n.name == name {
			if n.address == "path" {
				n.address = filepath.Join(t.TempDir(), "socket")
			}
			return n
		}
	}
	t.Fatal("no network", name)
	return network{}
}

// listen returns a listener that goes with the test.
func (n network) listen(t testing.TB) *Listener {
	t.Helper()
	l, err := Listen(n.network, n.address, n.listener)
	ok(t, err)
	t.Cleanup(func() { ok(t, l.Close()) })
	return l
}

// dial returns a connection that goes with the test.
func (n network) dial(t testing.TB, l *Listener) *Conn {
	t.Helper()
	c, err := Dial(ctx, n.network, n.where(l), n.dialer)
	ok(t, err)
	t.Cleanup(func() { ok(t, c.Close()) })
	return c
}

// where is where to dial: certificates are for names.
func (n network) where(l *Listener) string {
	where := l.Addr().String()
	if _, port, err := net.SplitHostPort(where); err == nil && n.listener.TLS != nil && n.network == "tcp" {
		return "localhost:" + port
	}
	return where
}

func accept(t testing.TB, l *Listener) *Conn {
	t.Helper()
	c, err := l.Accept(ctx)
	ok(t, err)
	t.Cleanup(func() { ok(t, c.Close()) })
	return c
}

// meet returns the two ends of a connection that go with the test.
func (n network) meet(t testing.TB) (dialed, accepted *Conn) {
	t.Helper()
	l := n.listen(t)
	dialed, accepted = n.dial(t, l), accept(t, l)
	ok(t, l.Close())
	return dialed, accepted
}

// An authority makes certificates.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

func newAuthority() *authority {
	a := &authority{pool: x509.NewCertPool()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		panic(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		panic(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		panic(err)
	}
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) certificate(name string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
