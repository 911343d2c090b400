package manager

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"github.com/go-multiproc/mp/internal/spawn"
	"github.com/go-multiproc/mp/pipe"
)

// Serve is a server in this process, until ctx ends: a service in a program of its own, which ends with nobody. Clients
// connect to cfg.Address. It returns nil after ctx has ended, and an error if it can't listen.
func Serve(ctx context.Context, cfg Config) error {
	spawn.RequireMain("manager.Serve")
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	if cfg.Address == "" {
		return fmt.Errorf("mp/manager: Serve: Config.Address says where clients find the server")
	}
	srv := newServer(cfg)
	defer srv.stop()
	if _, err := srv.listen(familyWay(cfg.MaxMessage)); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// InProcess is a server in this process: the same messages, the same meaning, no process. For tests. Stop ends it.
func InProcess(cfg Config) (*Manager, error) {
	spawn.RequireMain("manager.InProcess")
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	srv := newServer(cfg)
	address, err := srv.listen(familyWay(cfg.MaxMessage))
	if err != nil {
		srv.stop()
		return nil, err
	}
	m, err := srv.way.connect(context.Background(), nil)
	if err != nil {
		srv.stop()
		return nil, err
	}
	m.server, m.address = srv, address
	return m, nil
}

// serveProcess is the process of Start.
func serveProcess(ctx context.Context, in serving) (struct{}, error) {
	defer in.Ready.Close()
	srv := newServer(in.Config.config())
	defer srv.stop()
	w := familyWay(srv.cfg.MaxMessage)
	w.address = in.Way
	address, err := srv.listen(w)
	if err := pipe.Send(ctx, in.Ready, ready{address, err}); err != nil {
		return struct{}{}, err
	}
	if err == nil {
		<-ctx.Done()
	}
	return struct{}{}, nil
}

// familyWay is a way to a new server for processes of this family.
func familyWay(maxMessage int64) way {
	var name [16]byte
	_, _ = rand.Read(name[:]) // never fails
	return way{
		address: "@mp-manager-" + hex.EncodeToString(name[:]),
		cfg:     Config{AuthKey: spawn.Derive("manager key"), MaxMessage: maxMessage},
	}
}

// listen has the server listen for its family, and at its address if it has one, which is returned.
func (srv *server) listen(w way) (address string, err error) {
	srv.way = w
	own, err := w.cfg.pipe(true)
	if err != nil {
		return "", err
	}
	if err := srv.listenAt(w.address, own); err != nil {
		return "", err
	}
	if srv.cfg.Address == "" {
		return "", nil
	}
	public, err := srv.cfg.pipe(true)
	if err != nil {
		return "", err
	}
	l, err := srv.open(srv.cfg.Address, public)
	if err != nil {
		return "", err
	}
	return l.Addr().String(), nil
}

func (srv *server) listenAt(address string, cfg pipe.Config) error {
	_, err := srv.open(address, cfg)
	return err
}

func (srv *server) open(address string, cfg pipe.Config) (*pipe.Listener, error) {
	l, err := pipe.Listen(network(address), address, cfg)
	if err != nil {
		return nil, err
	}
	srv.group.Add(2)
	go func() {
		defer srv.group.Done()
		srv.accept(l)
	}()
	go func() {
		defer srv.group.Done()
		<-srv.ctx.Done()
		_ = l.Close()
	}()
	return l, nil
}

type ownKey struct{}

// FromContext is the server in which a function runs: a method of a class, or what Compute calls. It makes objects there. It is
// nil elsewhere.
func FromContext(ctx context.Context) *Manager {
	srv, _ := ctx.Value(ownKey{}).(*server)
	if srv == nil {
		return nil
	}
	c, err := srv.self()
	if err != nil {
		return nil
	}
	return &Manager{c: c}
}

// self is the server as its own client.
func (srv *server) self() (*client, error) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	switch {
	case srv.closed:
		return nil, ErrClosed
	case srv.own != nil && !srv.own.over():
		return srv.own, nil
	}
	here, there, err := pipe.New()
	if err != nil {
		return nil, err
	}
	c := newClient(srv.id, srv.way.seal())
	c.conn = here
	c.max.Store(srv.cfg.MaxMessage)
	if srv.own = remember(c); srv.own != c {
		_ = here.Close()
		_ = there.Close()
		return srv.own, nil
	}
	s := newSession(srv, there)
	srv.sessions[s] = struct{}{}
	srv.group.Add(1)
	go func() {
		defer srv.group.Done()
		s.run()
	}()
	return c, nil
}
