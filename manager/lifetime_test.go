package manager

import (
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
