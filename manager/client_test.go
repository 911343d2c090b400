package manager

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp/pipe"
)

// scripted is a client whose server the test plays, at the other end of the connection.
func scripted(t *testing.T) (*client, *pipe.Conn) {
	t.Helper()
	here, there, err := pipe.New()
	if err != nil {
		t.Fatal(err)
	}
	c := newClient([16]byte{1}, nil)
	c.conn = here
	t.Cleanup(func() {
		c.close(ErrClosed)
		_ = there.Close()
	})
	return c, there
}

// redialling is a client whose connections are made anew when they break, as those over TCP are.
func (srv *server) redialling(t *testing.T) *Manager {
	t.Helper()
	m := &Manager{c: newClient(srv.id, nil)}
	t.Cleanup(func() { m.c.close(ErrClosed) })
	m.c.remote = true
	m.c.dial = func(context.Context) (conn, [16]byte, error) {
		here, there, err := pipe.New()
		if err != nil {
			return nil, srv.id, err
		}
		s := newSession(srv, there)
		s.remote = true
		srv.welcome(s)
		_, err = here.RecvBytes(background)
		return here, srv.id, err
	}
	return m
}

// next is the next request that a played server receives.
func next(t *testing.T, server *pipe.Conn) (id uint32, op uint8, object uint64) {
	t.Helper()
	b, err := server.RecvBytes(background)
	if err != nil {
		t.Fatal(err)
	}
	return binary.LittleEndian.Uint32(b), b[4], binary.LittleEndian.Uint64(b[8:])
}

// say answers a request.
func say(t *testing.T, server *pipe.Conn, id uint32, status uint8, result ...byte) {
	t.Helper()
	b := append(binary.LittleEndian.AppendUint32(nil, id), status, 0, 0, 0)
	if err := server.SendBytes(background, append(b, result...)); err != nil {
		t.Error(err)
	}
}

// What was given to a caller who had waited for it long enough goes back at once, not when the process makes its next call.
func TestLateAnswerIsTakenBack(t *testing.T) {
	c, server := scripted(t)
	ctx, cancel := context.WithCancel(background)
	left := make(chan error)
	go func() {
		p := &proxy{c: c, id: 9}
		left <- do(ctx, p.take(1, 2))
	}()
	id, _, _ := next(t, server)
	cancel()
	if _, op, of := next(t, server); op != opCancel || of != uint64(id) {
		t.Errorf("operation %d of %d", op, of)
	}
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	say(t, server, id, statusOK)
	if _, op, object := next(t, server); op != opCall || object != 9 {
		t.Errorf("operation %d of %d", op, object)
	}
}

// A request that was begun on a connection which had broken meanwhile is broken, and none of those that wait for answers.
func TestRequestOfABrokenConnection(t *testing.T) {
	c, _ := scripted(t)
	old := c.conn
	c.remote = true
	c.broke(old, errMessage)
	r := c.ask(opCall, 1, 1)
	c.enter(r)
	if err := c.await(background, old, r); err != nil || r.state.Load() != requestBroken || !errors.Is(r.broken, ErrInterrupted) {
		t.Errorf("%v, state %d, %v", err, r.state.Load(), r.broken)
	}
	if len(c.pending) > 0 {
		t.Error("it is still waited for")
	}
}

// A new session hears which proxies there are, and which are under way, before anything else, and nothing of what was to be said to
// the one before.
func TestNewSessionIsTold(t *testing.T) {
	c, _ := scripted(t)
	c.remote = true
	servers := make(chan *pipe.Conn, 1)
	c.dial = func(context.Context) (conn, [16]byte, error) {
		here, there, err := pipe.New()
		servers <- there
		return here, c.id, err
	}
	c.control.retain(5)
	c.control.add(header(nil, 0, opLend, 0, 6))
	c.control.add(header(nil, 0, opCall, 1, 7))
	c.control.add(header(nil, 0, opEnd, 0, 8))
	c.broke(c.conn, errMessage)
	c.control.retain(9)
	c.control.add(header(nil, 0, opEnd, 0, 8))
	done := make(chan error)
	go func() { done <- do(background, c.ask(opCall, 1, 10)) }()
	server := <-servers
	defer server.Close()
	for _, want := range []struct {
		op     uint8
		object uint64
	}{{opRetain, 5}, {opRetain, 9}, {opLend, 6}, {opCall, 10}} {
		id, op, object := next(t, server)
		if op != want.op || object != want.object {
			t.Errorf("operation %d of %d, want %v", op, object, want)
		}
		if id != 0 {
			say(t, server, id, statusOK)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A server that has ended is told nothing, so nothing is kept for it.
func TestNothingIsKeptForWhatHasEnded(t *testing.T) {
	c, server := scripted(t)
	_ = server.Close()
	if err := do(background, c.ask(opCall, 1, 1)); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	for range 3 {
		c.control.retain(1)
		c.control.add(header(nil, 0, opLend, 0, 1))
		c.control.release(1)
	}
	if n := len(c.control.messages); n > 0 {
		t.Errorf("%d messages wait", n)
	}
}

// stopped is a client whose server reads nothing, and to which nothing more can be sent now.
func stopped(t *testing.T) *client {
	t.Helper()
	c, _ := scripted(t)
	for c.conn.TrySendBytes(make([]byte, 1<<10)) == nil {
	}
	for c.conn.TrySendBytes(nil) == nil {
	}
	return c
}

// Proxies that travel, come and go, and loops that end, wait for no server, and cost no goroutine each.
func TestStoppedServerHoldsNobodyUp(t *testing.T) {
	c := stopped(t)
	p := new(proxy)
	p.bind(c, kindDict, 1, 2)
	before := runtime.NumGoroutine()
	for range 1000 {
		c.control.retain(1)
		c.settle()
		c.control.release(1)
		c.settleIfUp()
	}
	if n := runtime.NumGoroutine() - before; n > 100 {
		t.Errorf("%d goroutines wait", n)
	}
	if _, err := p.marshal(); err != nil {
		t.Error(err)
	}
	c.endSnapshot(1)
}

// A server that can't be reached now has not ended, unless nobody listens there.
func TestUnreachableIsNotEnded(t *testing.T) {
	srv := newTestServer(t, Config{})
	m := srv.redialling(t)
	m.c.remote = false
	works := m.c.dial
	for _, why := range []error{syscall.EMFILE, os.ErrDeadlineExceeded, io.EOF} {
		m.c.dial = func(context.Context) (conn, [16]byte, error) { return nil, srv.id, why }
		if _, err := m.Stats(background); !errors.Is(err, ErrClosed) || !errors.Is(err, why) {
			t.Errorf("%v: %v", why, err)
		}
	}
	m.c.dial = works
	if _, err := m.Stats(background); err != nil {
		t.Error(err)
	}
	_ = m.c.conn.Close()
	m.c.conn = nil
	for _, why := range []error{syscall.ECONNREFUSED, fs.ErrNotExist} {
		m.c.err = nil
		m.c.dial = func(context.Context) (conn, [16]byte, error) { return nil, srv.id, fmt.Errorf("dial: %w", why) }
		if _, err := m.Stats(background); !errors.Is(err, errEnded) {
			t.Errorf("%v: %v", why, err)
		}
	}
}

// A function that stops the Manager which it had of its context does that for itself, and those that run now, but for no later one.
func TestStopOfTheServersOwnClient(t *testing.T) {
	srv := newTestServer(t, Config{})
	ctx := context.WithValue(background, ownKey{}, srv)
	if err := FromContext(ctx).Stop(background); err != nil {
		t.Fatal(err)
	}
	if _, err := NewDict[string, int](FromContext(ctx)); err != nil {
		t.Error(err)
	}
}
