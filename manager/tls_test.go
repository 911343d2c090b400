//go:build linux

package manager_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
)

// certificates makes a CA, and a certificate that it signed for this machine, as files.
func certificates(t *testing.T) manager.TLSFiles {
	t.Helper()
	dir := t.TempDir()
	template := func(serial int64) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "mp test"}, NotAfter: time.Now().Add(time.Hour),
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
	}
	ca := template(1)
	ca.IsCA, ca.KeyUsage, ca.ExtKeyUsage = true, x509.KeyUsageCertSign, nil
	caKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	caDER := must(x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey))
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	der := must(x509.CreateCertificate(rand.Reader, template(2), ca, key.Public(), caKey))
	write := func(name, kind string, bytes []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return manager.TLSFiles{
		Cert: write("cert", "CERTIFICATE", der), CA: write("ca", "CERTIFICATE", caDER),
		Key: write("key", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key))),
	}
}

// W35: a server with certificates, for clients with certificates: no key is needed, and a client's own workers get there too.
func TestTLS(t *testing.T) {
	files := certificates(t)
	address := "127.0.0.1:" + freePort(t)
	_, _ = program(t, "serve tls", address, files.Cert+"\n"+files.Key+"\n"+files.CA)
	m := connect(t, address, manager.Config{Files: files})
	d := must(manager.NewDict[string, int](m))
	p, err := setFromWorker.Start(ctx, mp.Pack2(d, 7))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	must(p.Wait(ctx))
	if n := must(d.Get(ctx, "a")); n != 7 {
		t.Error(n)
	}
	// Each side waits for the other to begin.
	if _, err := manager.Connect(withTimeout(t), address, manager.Config{AuthKey: []byte("k")}); err == nil {
		t.Error("it was reached without TLS")
	}
	if _, err := manager.Connect(ctx, address, manager.Config{Files: manager.TLSFiles{CA: files.CA}}); err == nil {
		t.Error("it was reached without a certificate")
	}
}
