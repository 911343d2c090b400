package manager

import (
	"strings"
	"testing"
)

// F212, T058, T133: not set, waits last; set, they return at once; and who waits is let go by another.
func TestEvent(t *testing.T) {
	srv, clients := newClients(t, 2)
	e := must(NewEvent(clients[0]))
	other := seenBy(clients[1], e)
	isSet := func(want bool) {
		t.Helper()
		for _, p := range []*Event{e, other} {
			if must(p.IsSet(background)) != want {
				t.Errorf("set: %v", !want)
			}
		}
	}
	isSet(false)
	lasts(t, e.Wait)
	ok(t, e.Set(background))
	ok(t, e.Set(background))
	isSet(true)
	ok(t, other.Wait(background))
	ok(t, other.Clear(background))
	isSet(false)
	waits := []<-chan error{async(func() error { return e.Wait(background) }), async(func() error { return other.Wait(background) })}
	srv.awaits(t, 2)
	ok(t, other.Set(background))
	ok(t, other.Clear(background)) // which is too late for them
	for _, w := range waits {
		ok(t, <-w)
	}
	isSet(false)
	if !strings.HasPrefix(e.String(), "Event#") { // T059
		t.Error(e)
	}
}

// W05: who dies waiting is forgotten, and an event that is set stays so without who set it.
func TestEventOfTheDead(t *testing.T) {
	srv, clients := newClients(t, 2)
	e := must(NewEvent(clients[0]))
	doomed := seenBy(clients[1], e)
	lost := async(func() error { return doomed.Wait(background) })
	srv.awaits(t, 1)
	ok(t, seenBy(clients[1], e).Clear(background))
	die(t, srv, clients[1])
	wants(t, "who died", <-lost, ErrClosed)
	srv.awaits(t, 0)
	ok(t, e.Set(background))
	ok(t, e.Wait(background))
}
