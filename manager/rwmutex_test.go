package manager

import (
	"errors"
	"testing"

	"github.com/go-multiproc/mp/shared"
)

// Readers together, a writer alone; a writer that waits keeps later readers out.
func TestRWMutex(t *testing.T) {
	srv, clients := newClients(t, 3)
	m := must(NewRWMutex(clients[0]))
	b, c := seenBy(clients[1], m), seenBy(clients[2], m)
	ok(t, m.RLock(background))
	ok(t, b.RLock(background))
	ok(t, m.RLock(background)) // a second one
	if taken, err := c.TryLock(background); taken || err != nil {
		t.Errorf("written to while it is read: %v, %v", taken, err)
	}
	wants(t, "unlock of a reader", m.Unlock(background), shared.ErrNotOwner)
	wants(t, "unlock of who has nothing", c.RUnlock(background), shared.ErrNotOwner)
	writer := async(func() error { return c.Lock(background) })
	srv.awaits(t, 1)
	if taken, err := b.TryRLock(background); taken || err != nil {
		t.Errorf("read though a writer waits: %v, %v", taken, err)
	}
	readers := []<-chan error{async(func() error { return m.RLock(background) }), async(func() error { return b.RLock(background) })}
	srv.awaits(t, 3)
	for _, p := range []*RWMutex{m, b, m} {
		ok(t, p.RUnlock(background))
	}
	ok(t, <-writer)
	if taken, err := b.TryRLock(background); taken || err != nil {
		t.Errorf("read while it is written to: %v, %v", taken, err)
	}
	wants(t, "another's unlock", m.Unlock(background), shared.ErrNotOwner)
	ok(t, c.Unlock(background))
	for _, r := range readers { // both, though neither gives it back
		ok(t, <-r)
	}
}

// A writer that gives up lets in the readers that waited for it.
func TestRWMutexWriterGivesUp(t *testing.T) {
	srv, clients := newClients(t, 2)
	m := must(NewRWMutex(clients[0]))
	other := seenBy(clients[1], m)
	ok(t, m.RLock(background))
	writer := async(func() error { return other.Lock(background) })
	srv.awaits(t, 1)
	reader := async(func() error { return m.RLock(background) })
	srv.awaits(t, 2)
	die(t, srv, clients[1])
	wants(t, "the writer", <-writer, ErrClosed)
	ok(t, <-reader)
	lasts(t, m.Lock)
}

// Read locks of who is gone are given back; after a writer, readers are told until a writer was.
func TestRWMutexOfTheDead(t *testing.T) {
	srv, clients := newClients(t, 3)
	m := must(NewRWMutex(clients[0]))
	reader, writer := seenBy(clients[1], m), seenBy(clients[2], m)
	ok(t, reader.RLock(background))
	ok(t, reader.RLock(background))
	waits := async(func() error { return writer.Lock(background) })
	srv.awaits(t, 1)
	die(t, srv, clients[1])
	ok(t, <-waits)
	die(t, srv, clients[2])
	for range 2 {
		wants(t, "a reader", m.RLock(background), shared.ErrOwnerDied)
	}
	if taken, err := m.TryRLock(background); !taken || !errors.Is(err, shared.ErrOwnerDied) {
		t.Error("TryRLock", taken, err)
	}
	for range 3 {
		ok(t, m.RUnlock(background))
	}
	if taken, err := m.TryLock(background); !taken || !errors.Is(err, shared.ErrOwnerDied) {
		t.Error("TryLock", taken, err)
	}
	ok(t, m.Unlock(background))
	ok(t, m.RLock(background))
}
