package manager

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/go-multiproc/mp/pipe"
)

// A Config says where a server listens, who may come, and what it may take. The zero value is a server for this program's
// own processes.
type Config struct {
	// Address is where programs of other families reach the server: "host:port" is TCP, a path or "@name" a Unix socket. Processes
	// of the server's own family reach it without. Defaults to nowhere.
	Address string
	// AuthKey is what clients from outside the family have to know. Over TCP there must be one, or client certificates. Defaults to
	// none: over a Unix socket, processes of the same user only.
	AuthKey []byte
	// TLS encrypts connections to Address. It can't travel to another process, so Start refuses it: use Files, or Serve.
	// Defaults to none.
	TLS *tls.Config
	// Files names PEM files to make a TLS of, wherever it is needed. Defaults to none.
	Files TLSFiles
	// MaxMessage is the most bytes of one message, and so of one value. Defaults to 256 MiB.
	MaxMessage int64
	// MaxClients is how many processes may be connected. Defaults to 10,000.
	MaxClients int
	// MaxObjects is how many objects there may be. Defaults to 10 million.
	MaxObjects int
	// MaxBytes is what the server's objects may keep, in encoded bytes and what each value costs beside, with the arguments of calls that
	// wait or run. Snapshots that loops go through may keep as much again. Defaults to no limit.
	MaxBytes int64
	// MaxCalls is how many calls of one client may wait or run in the server, and how many of its loops over snapshots may be under
	// way. Defaults to 100,000.
	MaxCalls int
	// Lease is how long an object lives that no process refers to, for a proxy of it may be under way between two. Defaults to 1 minute.
	Lease time.Duration
}

// TLSFiles names PEM files. Cert and Key are one's own certificate; CA is what the other side's must be signed by: a server with CA
// asks its clients for certificates, a client without uses the system's roots.
type TLSFiles struct{ Cert, Key, CA string }

func (c Config) withDefaults() (Config, error) {
	for name, n := range map[string]int64{
		"MaxMessage": c.MaxMessage, "MaxClients": int64(c.MaxClients), "MaxObjects": int64(c.MaxObjects), "MaxBytes": c.MaxBytes,
		"MaxCalls": int64(c.MaxCalls), "Lease": int64(c.Lease),
	} {
		if n < 0 {
			return c, fmt.Errorf("mp/manager: Config.%s is negative", name)
		}
	}
	if c.MaxMessage == 0 {
		c.MaxMessage = 256 << 20
	}
	if c.MaxClients == 0 {
		c.MaxClients = 10_000
	}
	if c.MaxObjects == 0 {
		c.MaxObjects = 10_000_000
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 1<<63 - 1
	}
	if c.MaxCalls == 0 {
		c.MaxCalls = 100_000
	}
	if c.Lease == 0 {
		c.Lease = time.Minute
	}
	if c.TLS != nil && c.Files != (TLSFiles{}) {
		return c, errors.New("mp/manager: Config has both TLS and Files")
	}
	return c, nil
}

// network tells what an address is.
func network(address string) string {
	if strings.HasPrefix(address, "@") || strings.Contains(address, "/") {
		return "unix"
	}
	if _, _, err := net.SplitHostPort(address); err == nil {
		return "tcp"
	}
	return "unix"
}

// pipe is what package pipe is told.
func (c Config) pipe(server bool) (pipe.Config, error) {
	p := pipe.Config{AuthKey: c.AuthKey, TLS: c.TLS, MaxMessage: c.MaxMessage}
	if c.Files == (TLSFiles{}) {
		return p, nil
	}
	var err error
	p.TLS, err = c.Files.config(server)
	return p, err
}
