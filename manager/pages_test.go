package manager

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"
)

// pagesOf is a dict of several pages.
func pagesOf(t *testing.T, m *Manager) *Dict[string, []byte] {
	t.Helper()
	d, err := NewDict[string, []byte](m)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "b", "c"} {
		if err := d.Set(background, key, make([]byte, 200<<10)); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// nothingShown waits until the server has no snapshots.
func nothingShown(t *testing.T, srv *server) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for srv.shown.Load() != 0 {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("snapshots keep %d bytes", srv.shown.Load())
		}
	}
}

// However a loop over a snapshot ends, the server does not keep it.
func TestSnapshotsAreGivenBack(t *testing.T) {
	srv := newTestServer(t, Config{})
	d := pagesOf(t, srv.connect(t))
	for name, loop := range map[string]func(){
		"whole": func() {
			for _, err := range d.All(background) {
				if err != nil {
					t.Error(err)
				}
			}
		},
		"break": func() {
			for range d.All(background) {
				break
			}
		},
		"context": func() {
			ctx, cancel := context.WithCancel(background)
			defer cancel()
			var last error
			for _, err := range d.All(ctx) {
				last = err
				cancel()
			}
			if !errors.Is(last, context.Canceled) {
				t.Errorf("the loop ends with %v", last)
			}
		},
		"panic": func() {
			defer func() { _ = recover() }()
			for range d.All(background) {
				panic("enough")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			loop()
			nothingShown(t, srv)
		})
	}
}

// The first page comes to a loop that has ended.
func TestLatePage(t *testing.T) {
	c, server := scripted(t)
	ctx, cancel := context.WithCancel(background)
	ended := make(chan error)
	go func() {
		r := c.ask(opCall, 1, 1)
		for _, err := range pages(ctx, r, func(a *reader) (int, error) { return a.int(), nil }) {
			ended <- err
		}
	}()
	id, _, _ := next(t, server)
	cancel()
	if _, op, _ := next(t, server); op != opCancel {
		t.Errorf("operation %d", op)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	say(t, server, id, statusOK, 77, 0)
	if _, op, number := next(t, server); op != opEnd || number != 77 {
		t.Errorf("operation %d of %d", op, number)
	}
}

// Snapshots together keep no more than MaxBytes, whatever becomes of what they show.
func TestSnapshotsAreLimited(t *testing.T) {
	srv := newTestServer(t, Config{MaxBytes: 1 << 20})
	m := srv.connect(t)
	d := pagesOf(t, m)
	for range d.All(background) {
		for range d.All(background) { // a loop needs the room of what it goes through once, so there is some for a second
			for _, err := range d.All(background) {
				if !errors.Is(err, ErrLimit) {
					t.Errorf("a third one: %v", err)
				}
			}
			break
		}
		break
	}
	nothingShown(t, srv)
	for _, err := range d.All(background) {
		if err != nil {
			t.Error(err)
		}
	}
}

// A loop whose connection broke between two pages does not go on with a snapshot of another loop.
func TestSnapshotOfAnotherSession(t *testing.T) {
	srv := newTestServer(t, Config{})
	other, m := srv.connect(t), srv.redialling(t)
	a, b := pagesOf(t, m), pagesOf(t, m)
	for _, d := range []*Dict[string, []byte]{a, b} { // they outlive the session
		if err := Publish(background, other, d.String(), d); err != nil {
			t.Fatal(err)
		}
	}
	nextA, stopA := iter.Pull2(a.All(background))
	defer stopA()
	nextB, stopB := iter.Pull2(b.All(background))
	defer stopB()
	if _, err, ok := nextA(); !ok || err != nil {
		t.Fatal(err)
	}
	m.c.broke(m.c.conn, errMessage)
	if _, err, ok := nextB(); !ok || err != nil { // the first page, in a new session
		t.Fatal(err)
	}
	for {
		e, err, ok := nextA()
		if err != nil {
			return
		}
		if !ok {
			t.Fatal("the loop ended as if nothing had happened")
		}
		t.Logf("%s came", e.Key)
	}
}
