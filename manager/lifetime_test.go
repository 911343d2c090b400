package manager

import (
	"runtime"
	"testing"
	"time"
)

// A mortal counts how often it is ended.
type mortal struct {
	simple

	ends int
}

func (m *mortal) call(c *call)  { c.done() }
func (m *mortal) free() []value { m.ends++; return nil }

// newMortal makes one that nothing refers to but who called this.
func newMortal(t *testing.T, srv *server) (*mortal, *entry) {
	t.Helper()
	m := new(mortal)
	srv.connect(t)
	srv.mu.Lock()
	var s *session
	for s = range srv.sessions {
	}
	srv.mu.Unlock()
	e, err := srv.add(s, kindDict, 0, m)
	if err != nil || srv.hold(e.id) == nil {
		t.Fatal(err)
	}
	s.release(e.id)
	return m, e
}

// An object that came back from its lease, and then was let go of before anybody looked, ends once.
func TestObjectEndsOnce(t *testing.T) {
	srv := newTestServer(t, Config{Lease: time.Hour})
	m, e := newMortal(t, srv)
	srv.lend(e.id)
	srv.dropRef(e)
	if srv.hold(e.id) == nil || m.ends > 0 {
		t.Fatal("it is gone")
	}
	srv.mu.Lock()
	e.lent = time.Now().Add(-time.Hour)
	srv.mu.Unlock()
	srv.dropRef(e)
	srv.reap()
	if m.ends != 1 {
		t.Errorf("it ended %d times", m.ends)
	}
}

// A proxy may be copied, as one that is a field of a function's argument is: the object lives as long as one of the copies.
func TestCopyOfAProxy(t *testing.T) {
	srv := newTestServer(t, Config{})
	m := srv.connect(t)
	copied, witness := copyAndWitness(t, m)
	defer runtime.KeepAlive(copied)
	for { // until the collector has seen that nobody has the witness any more, nor what was copied
		runtime.GC()
		if srv.find(witness) == nil {
			break
		}
		if err := copied.Set(background, "a", 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := copied.Set(background, "a", 1); err != nil {
		t.Error(err)
	}
}

//go:noinline
func copyAndWitness(t *testing.T, m *Manager) (copied Dict[string, int], witness uint64) {
	t.Helper()
	d, err := NewDict[string, int](m)
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewDict[string, int](m)
	if err != nil {
		t.Fatal(err)
	}
	return *d, w.id
}

// A connection that breaks though both sides live takes no objects with it: the process comes back for them.
func TestObjectsOutliveABrokenConnection(t *testing.T) {
	srv := newTestServer(t, Config{})
	m := srv.redialling(t)
	d, err := NewDict[string, int](m)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Set(background, "a", 1); err != nil {
		t.Fatal(err)
	}
	m.c.broke(m.c.conn, errMessage)
	for n := 1; n > 0; { // until the old session has ended
		srv.mu.Lock()
		n = len(srv.sessions)
		srv.mu.Unlock()
	}
	if n, err := d.Get(background, "a"); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
}
