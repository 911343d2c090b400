package manager

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"sync"

	"github.com/go-multiproc/mp/internal/spawn"
	"github.com/go-multiproc/mp/pipe"
)

// clients are this process's connections to servers, by the servers' numbers.
var clients struct {
	sync.Mutex
	byID map[[16]byte]*client
	here map[[16]byte]*server // those in this process
}

// enter makes a server known in its own process, until leave.
func (srv *server) enter() {
	clients.Lock()
	defer clients.Unlock()
	if clients.here == nil {
		clients.here = make(map[[16]byte]*server)
	}
	clients.here[srv.id] = srv
}

func (srv *server) leave() {
	clients.Lock()
	defer clients.Unlock()
	delete(clients.here, srv.id)
}

// remember makes c the client for its server, unless there is one: then it is that.
func remember(c *client) *client {
	clients.Lock()
	defer clients.Unlock()
	if old := clients.byID[c.id]; old != nil {
		return old
	}
	if clients.byID == nil {
		clients.byID = make(map[[16]byte]*client)
	}
	clients.byID[c.id] = c
	return c
}

func forgetClient(c *client) {
	clients.Lock()
	defer clients.Unlock()
	if clients.byID[c.id] == c {
		delete(clients.byID, c.id)
	}
}

// clientOf is the client for a server, made if there is a way to it; else nil.
func clientOf(id [16]byte, route []byte) *client {
	clients.Lock()
	c, srv := clients.byID[id], clients.here[id]
	clients.Unlock()
	if c == nil && srv != nil {
		c, _ = srv.self()
	}
	if c != nil {
		return c
	}
	w, ok := openRoute(route)
	if !ok {
		return nil
	}
	return remember(w.client(id, route))
}

// A way is how a process gets to a server.
type way struct {
	address string
	cfg     Config // AuthKey, Files, MaxMessage
	tls     bool   // with a configuration that can't travel
}

// client is one that dials when it is needed.
func (w way) client(id [16]byte, route []byte) *client {
	c := newClient(id, route)
	c.remote = network(w.address) == "tcp"
	c.dial = func(ctx context.Context) (conn, [16]byte, error) {
		conn, g, err := w.dial(ctx)
		if err == nil {
			c.max.Store(g.max)
		}
		return conn, g.id, err
	}
	return c
}

// dial connects and reads the greeting.
func (w way) dial(ctx context.Context) (_ conn, g greeting, err error) {
	cfg, err := w.cfg.pipe(false)
	if err != nil {
		return nil, g, err
	}
	c, err := pipe.Dial(ctx, network(w.address), w.address, cfg)
	if err != nil {
		return nil, g, err
	}
	b, err := c.RecvBytes(ctx)
	if err == nil {
		g, err = readGreeting(b)
	}
	if err != nil {
		_ = c.Close()
		return nil, g, err
	}
	return c, g, nil
}

// A route is a way in a proxy, for processes of the family that it is sealed for: family [8] | nonce and ciphertext. Others can
// neither use nor read it, for it may hold a key.
const routeLabel = "manager route"

// seal makes the route of a way; none if it can't travel.
func (w way) seal() []byte {
	if w.address == "" || w.tls {
		return nil
	}
	var b []byte
	for _, s := range []string{w.address, string(w.cfg.AuthKey), w.cfg.Files.Cert, w.cfg.Files.Key, w.cfg.Files.CA} {
		b = appendBytes(b, []byte(s))
	}
	b = binary.AppendUvarint(b, uint64(w.cfg.MaxMessage))
	tag, aead := sealer()
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return aead.Seal(append(tag, nonce...), nonce, b, nil)
}

// openRoute is the way in a route, if it is for this family.
func openRoute(route []byte) (w way, ok bool) {
	if len(route) < 8 {
		return w, false
	}
	tag, aead := sealer()
	if string(tag) != string(route[:8]) || len(route) < 8+aead.NonceSize() {
		return w, false
	}
	nonce, sealed := route[8:8+aead.NonceSize()], route[8+aead.NonceSize():]
	b, err := aead.Open(nil, nonce, sealed, nil)
	if err != nil {
		return w, false
	}
	r := reader{left: b}
	w.address, w.cfg.AuthKey = string(r.bytes()), r.bytes()
	w.cfg.Files = TLSFiles{string(r.bytes()), string(r.bytes()), string(r.bytes())}
	w.cfg.MaxMessage = int64(r.uint())
	return w, r.end() == nil
}

// sealer is the family's tag and cipher.
func sealer() (tag []byte, aead cipher.AEAD) {
	key := spawn.Derive(routeLabel)
	block, err := aes.NewCipher(key[:32])
	if err == nil {
		aead, err = cipher.NewGCM(block)
	}
	if err != nil {
		panic(err) // the size of the key is right
	}
	return append([]byte(nil), spawn.Derive("manager family")[:8]...), aead
}
