//go:build linux

package manager_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
)

// A server that encrypts: it has a certificate, and its clients know who signed that.
func ExampleTLSFiles() {
	mp.Main()
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	cert, key, err := selfSigned(dir) // in real life they are there
	if err != nil {
		fmt.Println(err)
		return
	}
	secret := []byte("from a file that both can read")
	m, err := manager.Start(manager.Config{
		Address: "127.0.0.1:0", AuthKey: secret,
		Files: manager.TLSFiles{Cert: cert, Key: key},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)

	// In another program:
	there, err := manager.Connect(ctx, m.Address(), manager.Config{AuthKey: secret, Files: manager.TLSFiles{CA: cert}})
	if err != nil {
		fmt.Println(err)
		return
	}
	greeting, err := manager.NewValue(there, "nobody else can read this")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(greeting.Load(ctx))
	// Output: nobody else can read this <nil>
}

// selfSigned makes a certificate for this machine.
func selfSigned(dir string) (certFile, keyFile string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	cert, err1 := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	private, err2 := x509.MarshalPKCS8PrivateKey(key)
	if err := errors.Join(err1, err2); err != nil {
		return "", "", err
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	return certFile, keyFile, errors.Join(
		os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600),
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}
