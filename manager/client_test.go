package manager

import (
	"context"
	"encoding/binary"
	"errors"
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
