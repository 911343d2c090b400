package manager

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/go-multiproc/mp/pipe"
)

var background = context.Background()

// newTestServer is a server without listeners.
func newTestServer(t *testing.T, cfg Config) *server {
	t.Helper()
	cfg, err := cfg.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	srv := newServer(cfg)
	t.Cleanup(func() {
		srv.stop()
		if n := srv.bytes.Load(); len(srv.sessions) > 0 {
			t.Errorf("%d sessions and %d bytes are left", len(srv.sessions), n)
		}
	})
	return srv
}

// connect is a client of its own, as if it were another process: not the one that this process has otherwise.
func (srv *server) connect(t *testing.T) *Manager {
	t.Helper()
	here, there, err := pipe.New()
	if err != nil {
		t.Fatal(err)
	}
	srv.serve(there)
	b, err := here.RecvBytes(background)
	if err != nil {
		t.Fatal(err)
	}
	g, err := readGreeting(b)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(g.id, nil)
	c.conn = here
	m := &Manager{c: c}
	t.Cleanup(func() { m.c.close(ErrClosed) })
	return m
}

// settled waits until the server has so many objects.
func (srv *server) settled(t *testing.T, objects int) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		srv.mu.Lock()
		n := len(srv.objects)
		srv.mu.Unlock()
		if n == objects {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d objects, want %d", n, objects)
		}
	}
}

// What a client holds goes with its connection, and what others refer to stays.
func TestSessionEnds(t *testing.T) {
	srv := newTestServer(t, Config{})
	a, b := srv.connect(t), srv.connect(t)
	kept, err := NewDict[string, int](a)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewDict[string, int](a); err != nil {
		t.Fatal(err)
	}
	if err := Publish(background, a, "kept", kept); err != nil {
		t.Fatal(err)
	}
	if err := kept.Set(background, "x", 1); err != nil {
		t.Fatal(err)
	}
	a.c.close(ErrClosed)
	srv.settled(t, 1)
	if err := Unpublish(background, b, "kept"); err != nil {
		t.Fatal(err)
	}
	if _, err := Lookup[*Dict[string, int]](background, b, "kept"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := kept.Get(background, "x"); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// F194: an object that a proxy is under way for lives for Lease, and then no longer.
func TestLease(t *testing.T) {
	srv := newTestServer(t, Config{Lease: time.Millisecond})
	a := srv.connect(t)
	d, err := NewDict[string, int](a)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.MarshalBinary(); err != nil {
		t.Fatal(err)
	}
	a.c.close(ErrClosed)
	srv.settled(t, 0)
}

func TestLimits(t *testing.T) {
	srv := newTestServer(t, Config{MaxClients: 1, MaxObjects: 1, MaxBytes: 1000})
	m := srv.connect(t)
	d, err := NewDict[string, []byte](m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewDict[string, int](m); !errors.Is(err, ErrLimit) {
		t.Errorf("a second object: %v", err)
	}
	if err := d.Set(background, "a", make([]byte, 500)); err != nil {
		t.Fatal(err)
	}
	if err := d.Set(background, "b", make([]byte, 500)); !errors.Is(err, ErrLimit) {
		t.Errorf("more bytes: %v", err)
	}
	if n, err := d.Len(background); err != nil || n != 1 {
		t.Errorf("the dict has %d keys, %v", n, err)
	}
	if err := d.Delete(background, "a"); err != nil {
		t.Fatal(err)
	}
	srv.empties(t)
	here, there, err := pipe.New()
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	srv.serve(there)
	b, err := here.RecvBytes(background)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readGreeting(b); !errors.Is(err, ErrLimit) {
		t.Errorf("a second client: %v", err)
	}
}

// A client that sends what no client sends loses its connection, or hears an error, and nobody else does.
func FuzzRequests(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, opNew, kindDict, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	for op := range uint8(12) {
		for method := range uint8(20) {
			f.Add(append(header(nil, 7, op, method, 1), 1, 'k', 2, 'v', 'w'))
		}
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		cfg, _ := Config{MaxBytes: 1 << 20}.withDefaults()
		srv := newServer(cfg)
		defer srv.stop()
		good := srv.connect(t)
		d, err := NewDict[string, string](good)
		if err != nil {
			t.Fatal(err)
		}
		bad := srv.connect(t)
		if err := bad.c.conn.SendBytes(background, message); err != nil {
			t.Fatal(err)
		}
		// An answer, if there is one, comes before that of what follows.
		if len(message) >= requestHeader {
			ask := header(nil, 1<<31, opStats, 0, 0)
			if binary.LittleEndian.Uint32(message) == 1<<31 {
				return
			}
			if err := bad.c.conn.SendBytes(background, ask); err != nil {
				t.Fatal(err)
			}
			for {
				b, err := bad.c.conn.RecvAppend(background, nil)
				if err != nil {
					t.Fatalf("%x: %v", message, err)
				}
				if binary.LittleEndian.Uint32(b) == 1<<31 {
					break
				}
			}
		}
		if err := d.Set(background, "a", "b"); err != nil {
			t.Fatal(err)
		}
	})
}
