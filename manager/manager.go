package manager

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/codec"
	"github.com/go-multiproc/mp/internal/spawn"
	"github.com/go-multiproc/mp/pipe"
)

// A Manager is a server as this process sees it, to make objects in. It is safe for concurrent use.
type Manager struct {
	c       *client
	address string
	process *mp.Process[struct{}] // of Start
	server  *server               // of InProcess

	stopping sync.Once
	stopErr  error
}

// serving is what a server process is told.
type serving struct {
	Config served
	Way    string     // where the family reaches it
	Ready  *pipe.Conn // where it says that it listens
}

// served is a Config that travels.
type served struct {
	Address                          string
	AuthKey                          []byte
	Files                            TLSFiles
	MaxMessage, MaxBytes, Lease      int64
	MaxClients, MaxObjects, MaxCalls int
}

// ready is what a server says once it listens.
type ready struct {
	Address string
	Err     error
}

var serverProcess = mp.Func("mp/manager.server", serveProcess)

// Start starts a server in a process of its own, and returns once it listens. It ends with this process, however that ends,
// and with Stop.
func Start(cfg Config) (*Manager, error) {
	spawn.RequireMain("manager.Start")
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.TLS != nil {
		return nil, errors.New("mp/manager: Start: Config.TLS can't travel to the server's process: use Config.Files, or Serve in a program of its own")
	}
	here, there, err := pipe.New()
	if err != nil {
		return nil, err
	}
	defer here.Close()
	w := familyWay(cfg.MaxMessage)
	ctx := context.Background()
	p, err := serverProcess.Start(ctx, serving{cfg.served(), w.address, there}, mp.Name("manager"))
	if err != nil {
		_ = there.Close()
		return nil, err
	}
	said, err := pipe.Recv[ready](ctx, here)
	if err == nil {
		err = said.Err
	} else if _, waitErr := p.Wait(ctx); waitErr != nil { // it has ended, and this says why
		err = waitErr
	}
	if err != nil {
		_ = p.Close()
		return nil, fmt.Errorf("mp/manager: Start: %w", err)
	}
	m, err := w.connect(ctx, nil)
	if err != nil {
		_ = p.Close()
		return nil, fmt.Errorf("mp/manager: Start: %w", err)
	}
	m.process, m.address = p, said.Address
	return m, nil
}

func (c Config) served() served {
	return served{
		Address: c.Address, AuthKey: c.AuthKey, Files: c.Files, MaxMessage: c.MaxMessage, MaxBytes: c.MaxBytes, Lease: int64(c.Lease),
		MaxClients: c.MaxClients, MaxObjects: c.MaxObjects, MaxCalls: c.MaxCalls,
	}
}

func (s served) config() Config {
	return Config{
		Address: s.Address, AuthKey: s.AuthKey, Files: s.Files, MaxMessage: s.MaxMessage, MaxBytes: s.MaxBytes, Lease: time.Duration(s.Lease),
		MaxClients: s.MaxClients, MaxObjects: s.MaxObjects, MaxCalls: s.MaxCalls,
	}
}

// Connect connects to a server that Start or Serve made, in whatever program, which has the same types. What it returns can't
// end the server.
func Connect(ctx context.Context, address string, cfg Config) (*Manager, error) {
	spawn.RequireMain("manager.Connect")
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	w := way{address: address, cfg: cfg, tls: cfg.TLS != nil}
	return w.connect(ctx, w.seal())
}

// connect makes a Manager of a new connection, or of the one that there is to the same server.
func (w way) connect(ctx context.Context, route []byte) (*Manager, error) {
	if route == nil {
		route = w.seal()
	}
	conn, g, err := w.dial(ctx)
	if err != nil {
		return nil, err
	}
	c := w.client(g.id, route)
	c.conn = conn
	c.max.Store(g.max)
	if known := remember(c); known != c {
		_ = conn.Close()
		c = known
	}
	return &Manager{c: c, address: w.address}, nil
}

// Address is where other programs reach the server: that of Config, with the port that was found for port 0; "" if there is none.
func (m *Manager) Address() string { return m.address }

// Stop ends a server that Start or InProcess made, and waits for that; when ctx ends before, it is killed. Else it only gives up this
// process's connection. Every later call, on every proxy, is ErrClosed.
func (m *Manager) Stop(ctx context.Context) error {
	m.stopping.Do(func() { m.stopErr = m.stop(ctx) })
	return m.stopErr
}

func (m *Manager) stop(ctx context.Context) error {
	m.c.close(errEnded)
	switch {
	case m.server != nil:
		m.server.stop()
		return nil
	case m.process == nil:
		return nil
	}
	_ = m.process.Interrupt() // that it has ended is fine
	if _, err := m.process.Wait(ctx); err != nil && ctx.Err() != nil {
		_ = m.process.Close()
		return ctx.Err()
	}
	return nil
}

// use is the client for a new object.
func (m *Manager) use() (*client, error) {
	if m == nil || m.c == nil {
		return nil, errors.New("mp/manager: a nil Manager: Start, Connect or InProcess makes one")
	}
	return m.c, nil
}

// PID is the process of a server that Start made, else 0.
func (m *Manager) PID() int {
	if m.process == nil {
		return 0
	}
	return m.process.PID()
}

// Publish makes a handle known under a name, in place of what had it, so that other clients find it. The handle may be any value
// that can cross a process boundary: a proxy of this package lives as long as it is published.
func Publish(ctx context.Context, m *Manager, name string, handle any) error {
	c, err := m.use()
	if err != nil {
		return err
	}
	b, sig, err := encodeAny(handle)
	if err != nil {
		return err
	}
	return do(ctx, c.ask(opPublish, 0, sig).text(name).bytes(b))
}

// Unpublish takes a name away. It is ErrNotFound if nothing has it.
func Unpublish(ctx context.Context, m *Manager, name string) error {
	c, err := m.use()
	if err != nil {
		return err
	}
	return do(ctx, c.ask(opPublish, 0, 0).text(name).bytes(nil))
}

// Lookup is the handle that was published under a name. It is ErrNotFound if there is none, and an error if it is of another type.
//
//	scores, err := manager.Lookup[*manager.Dict[string, int]](ctx, m, "scores")
func Lookup[H any](ctx context.Context, m *Manager, name string) (H, error) {
	var zero H
	c, err := m.use()
	if err != nil {
		return zero, err
	}
	h, err := codecFor[H]("Lookup")
	if err != nil {
		return zero, err
	}
	r := c.ask(opLookup, 0, signature(h.Plan())).text(name)
	r.safe = true
	return get(ctx, r, h)
}

// encodeAny encodes a value whose type is known only now.
func encodeAny(v any) (b []byte, sig uint64, err error) {
	defer func() {
		if p := recover(); p != nil { // of a marshaller
			err = fmt.Errorf("mp/manager: encoding a %T: panic: %v", v, p)
		}
	}()
	b, plan, err := codec.AppendAny([]byte{}, v)
	if err != nil {
		return nil, 0, fmt.Errorf("mp/manager: encoding a %T: %w", v, err)
	}
	return b, signature(plan), nil
}
