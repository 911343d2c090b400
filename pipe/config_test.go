package pipe

import (
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"time"
)

// T162, T185: what is wrong with a configuration is said before anything happens, with the field's name.
func TestConfigValidate(t *testing.T) {
	certificates := []tls.Certificate{{}}
	key := []byte("key")
	for _, c := range []struct {
		network string
		config  Config
		listen  string // what Listen says of it; "" if it does not mind
		dial    string
	}{
		{"unix", Config{MaxMessage: -1}, "Config.MaxMessage", "Config.MaxMessage"},
		{"unix", Config{HandshakeTimeout: -time.Second}, "Config.HandshakeTimeout", "Config.HandshakeTimeout"},
		{"unix", Config{MaxHandshakes: -1}, "Config.MaxHandshakes", "Config.MaxHandshakes"},
		{"unix", Config{Backlog: -1}, "Config.Backlog", "Config.Backlog"},
		{"udp", Config{AuthKey: key}, `not "udp"`, `not "udp"`},
		{"unix", Config{TLS: &tls.Config{}}, "Config.TLS has no Certificates", ""},
		{"unix", Config{TLS: &tls.Config{MaxVersion: tls.VersionTLS12}}, "Config.TLS.MaxVersion", "Config.TLS.MaxVersion"},
		{"tcp", Config{}, "Config.AuthKey", "Config.AuthKey"},
		{"tcp", Config{AuthKey: []byte{}}, "Config.AuthKey", "Config.AuthKey"},
		{"tcp", Config{TLS: &tls.Config{Certificates: certificates}}, "RequireAndVerifyClientCert", ""},
		{"tcp", Config{TLS: &tls.Config{Certificates: certificates, ClientAuth: tls.RequireAnyClientCert}}, "RequireAndVerifyClientCert", ""},
		{"tcp", Config{TLS: &tls.Config{Certificates: certificates, ClientAuth: tls.VerifyClientCertIfGiven}}, "RequireAndVerifyClientCert", ""},
		{"tcp", Config{TLS: &tls.Config{}}, "Config.TLS has no Certificates", "Config.TLS with Certificates"},
		{"tcp", Config{TLS: &tls.Config{Certificates: certificates, InsecureSkipVerify: true}}, "RequireAndVerifyClientCert", "InsecureSkipVerify"},
		{"tcp", Config{AuthKey: key, TLS: &tls.Config{InsecureSkipVerify: true}}, "Config.TLS has no Certificates", ""},
		{"tcp", Config{AuthKey: key}, "", ""},
		{"unix", Config{}, "", ""},
	} {
		for want, err := range map[string]error{c.listen: c.config.validate(c.network, true), c.dial: c.config.validate(c.network, false)} {
			if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s, %+v: %v, not %q", c.network, c.config, err, want)
			}
		}
	}
	_, err := Listen("tcp", "127.0.0.1:0", Config{})
	if err == nil {
		t.Error("anybody could connect")
	}
	if _, err := Dial(ctx, "tcp", "127.0.0.1:1", Config{}); err == nil {
		t.Error("anybody could be there")
	}
	if errors.Is(err, ErrAuth) {
		t.Error("that is no failure of authentication:", err)
	}
}
