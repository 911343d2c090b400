package manager

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// config reads the files.
func (f TLSFiles) config(server bool) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS13}
	if f.Cert != "" || f.Key != "" {
		own, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, fmt.Errorf("mp/manager: Config.Files: %w", err)
		}
		c.Certificates = []tls.Certificate{own}
	}
	if f.CA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, fmt.Errorf("mp/manager: Config.Files: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("mp/manager: Config.Files: no certificate in %s", f.CA)
	}
	if server {
		c.ClientCAs, c.ClientAuth = roots, tls.RequireAndVerifyClientCert
	} else {
		c.RootCAs = roots
	}
	return c, nil
}
