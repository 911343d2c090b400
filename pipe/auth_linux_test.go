package pipe

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
)

// F136, F138: who does not have the key, or the certificate, is told so, and the listener lives on.
func TestNetWrongKey(t *testing.T) {
	onAll(t, func(t *testing.T, n network) {
		l := n.listen(t)
		if len(n.listener.AuthKey) > 0 {
			for _, key := range []string{"", "another"} {
				wrong := n.dialer
				wrong.AuthKey = []byte(key)
				if n.network == "tcp" && key == "" {
					continue // TestConfigValidate
				}
				_, err := Dial(ctx, n.network, n.where(l), wrong)
				wants(t, "with the key "+key, err, ErrAuth)
			}
		} else if n.network == "unix" {
			wrong := n.dialer
			wrong.AuthKey = secret
			_, err := Dial(ctx, n.network, n.where(l), wrong)
			wants(t, "with a key where none is wanted", err, ErrAuth)
		}
		greeted(t, n.dial(t, l), accept(t, l))
	})
}

// A certificate that nobody vouches for is worth nothing, on either side.
func TestNetWrongCertificate(t *testing.T) {
	noLeaks(t)
	stranger := newAuthority()
	certificates := []tls.Certificate{stranger.certificate("localhost")}
	n := by(t, "mutual TLS")
	l := n.listen(t)
	for name, c := range map[string]*tls.Config{
		"the dialer's":   {RootCAs: n.dialer.TLS.RootCAs, Certificates: certificates},
		"the listener's": {RootCAs: stranger.pool, Certificates: n.dialer.TLS.Certificates},
	} {
		_, err := Dial(ctx, n.network, n.where(l), Config{TLS: c})
		wants(t, name, err, ErrAuth)
	}
	_, err := Dial(ctx, n.network, n.where(l), Config{AuthKey: secret, HandshakeTimeout: short})
	wants(t, "without TLS", err, os.ErrDeadlineExceeded)
	greeted(t, n.dial(t, l), accept(t, l))
}

// Config.validate cannot see what GetConfigForClient makes of ClientAuth.
func TestNetUnverifiedCertificate(t *testing.T) {
	noLeaks(t)
	n := by(t, "mutual TLS")
	n.listener.TLS = n.listener.TLS.Clone()
	n.listener.TLS.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: n.listener.TLS.Certificates}, nil
	}
	l := n.listen(t)
	_, err := Dial(ctx, n.network, n.where(l), n.dialer)
	wants(t, "nobody looked at the certificate", err, ErrAuth)
}

// With a key, TLS needs no authority, and who stands between the two gets nowhere: neither with the certificate of its own, nor by passing
// on what is inside.
func TestNetBindsTheKeyToTLS(t *testing.T) {
	noLeaks(t)
	n := by(t, "TLS")
	n.dialer.TLS = &tls.Config{InsecureSkipVerify: true}
	l := n.listen(t)
	greeted(t, n.dial(t, l), accept(t, l))

	between, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{newAuthority().certificate("localhost")}})
	ok(t, err)
	defer between.Close()
	relayed := make(chan error, 1)
	go func() {
		a, err := between.Accept()
		if err != nil {
			relayed <- err
			return
		}
		b, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			go func() {
				_, _ = io.Copy(b, a)
				_ = b.Close()
			}()
			_, _ = io.Copy(a, b)
		}
		_ = a.Close()
		relayed <- err
	}()
	_, err = Dial(ctx, "tcp", between.Addr().String(), n.dialer)
	wants(t, "through a relay", err, ErrAuth)
	ok(t, <-relayed)
	wants(t, "nobody was let in", l.AwaitReady(ended()), ended().Err())
}

// W35: without a key, Unix sockets connect processes of one user; with one, of any.
func TestNetUsers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	noLeaks(t)
	nobody := &syscall.Credential{Uid: 65534, Gid: 65534}
	for key, want := range map[string]string{"": "ErrAuth", "key": "connected"} {
		l, err := Listen("unix", "", Config{AuthKey: []byte(key)})
		ok(t, err)
		if says := startStrangerAs(t, nobody, "dial", "unix", l.Addr().String(), key).says(t); says != want {
			t.Errorf("another user, with the key %q: %q", key, says)
		}
		if says := startStranger(t, "dial", "unix", l.Addr().String(), key).says(t); says != "connected" {
			t.Errorf("the same user, with the key %q: %q", key, says)
		}
		if key != "" {
			if got, uid := accept(t, l).Peer().UID, 65534; got != uid {
				t.Errorf("the peer's user is %d, not %d", got, uid)
			}
		}
		ok(t, l.Close())

		s := startStrangerAs(t, nobody, "listen", "unix", "", key)
		c, err := Dial(ctx, "unix", s.says(t), Config{AuthKey: []byte(key)})
		if key == "" {
			wants(t, "another user's listener", err, ErrAuth)
			continue
		}
		ok(t, err)
		checkEcho(t, c)
		ok(t, c.Close())
	}
}

// F137: each side knows who the other is.
func TestNetPeer(t *testing.T) {
	onAll(t, func(t *testing.T, n network) {
		a, b := n.meet(t)
		for _, c := range []*Conn{a, b} {
			p := c.Peer()
			switch {
			case n.network == "unix" && (p.PID != os.Getpid() || p.UID != os.Geteuid() || p.GID != os.Getegid() || p.Addr != nil):
				t.Errorf("the peer is %+v", p)
			case n.network == "tcp":
				if addr, ok := p.Addr.(*net.TCPAddr); !ok || !addr.IP.IsLoopback() || p.PID != -1 || p.UID != -1 {
					t.Errorf("the peer is %+v", p)
				}
			}
			if (p.TLS != nil) != (n.listener.TLS != nil) {
				t.Errorf("of TLS it knows %v", p.TLS)
			}
		}
		if n.name == "mutual TLS" && b.Peer().TLS.PeerCertificates[0].Subject.CommonName != "client" {
			t.Error("the dialer is not known")
		}
	})
	a, _ := pair(t)
	if p := a.Peer(); p.PID != os.Getpid() {
		t.Errorf("the peer of a pair is %+v", p)
	}
	if _, err := Dial(ctx, "unix", "@mp-pipe-nobody", Config{}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("where nobody listens: %v", err)
	}
}
