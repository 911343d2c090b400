package manager

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-multiproc/mp/internal/proctest"
)

// part tells tests what is in a proxy.
func (p *proxy) part() *proxy { return p }

// seenBy is what another client has of an object.
func seenBy[T any, P interface {
	*T
	part() *proxy
}](m *Manager, p P) P {
	q, from := P(new(T)), p.part()
	q.part().bind(m.c, from.wire[1], from.id, from.sig)
	m.c.control.retain(from.id)
	q.part().track()
	return q
}

// newClients is a server with so many clients of its own.
func newClients(t *testing.T, n int) (*server, []*Manager) {
	t.Helper()
	srv := newTestServer(t, Config{})
	clients := make([]*Manager, n)
	for i := range clients {
		clients[i] = srv.connect(t)
	}
	return srv, clients
}

// die ends a client as if its process had died, and returns when the server knows.
func die(t *testing.T, srv *server, m *Manager) {
	t.Helper()
	sessions := func() int {
		srv.mu.Lock()
		defer srv.mu.Unlock()
		return len(srv.sessions)
	}
	n := sessions()
	m.c.close(ErrClosed)
	until(t, "the session has ended", func() bool { return sessions() < n })
}

// waiting is how many calls wait in the server.
func (srv *server) waiting() (n int) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	for s := range srv.sessions {
		s.mu.Lock()
		n += len(s.pending)
		s.mu.Unlock()
	}
	return n
}

// awaits waits until so many calls wait in the server.
func (srv *server) awaits(t *testing.T, n int) {
	t.Helper()
	until(t, "calls wait", func() bool { return srv.waiting() == n })
}

// empties waits until nothing counts against the limits: what a call replaced is let go of after its answer.
func (srv *server) empties(t *testing.T) {
	t.Helper()
	until(t, "nothing is kept", func() bool { return srv.bytes.Load() == 0 && srv.aside.Load() == 0 })
}

// until waits until cond holds; a minute is a hang.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	proctest.Eventually(t, what, cond)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// ok fails the test on an error.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants checks that an error is the one that was to come.
func wants(t *testing.T, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s: %v, not %v", what, err, target)
	}
}

// short is how long tests wait for what does not come.
const short = 5 * time.Millisecond

// lasts checks that a wait for what does not come ends with its context, not before, and with the context's error; and
// at once if that has ended already.
func lasts(t *testing.T, wait func(context.Context) error) {
	t.Helper()
	begun := time.Now()
	limited, cancel := context.WithTimeout(background, short)
	defer cancel()
	err := wait(limited)
	if took := time.Since(begun); !errors.Is(err, context.DeadlineExceeded) || took < short {
		t.Errorf("after %v of %v: %v", took, short, err)
	}
	wants(t, "with a context that has ended", wait(ended()), context.Canceled)
}

// ended is a context that has ended.
func ended() context.Context {
	canceled, stop := context.WithCancel(background)
	stop()
	return canceled
}

// async runs a call and returns where its error comes.
func async(call func() error) <-chan error {
	errs := make(chan error, 1)
	go func() { errs <- call() }()
	return errs
}
