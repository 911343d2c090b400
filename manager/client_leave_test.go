package manager

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// A wire is a client's connection of which a test is the server.
type wire struct {
	requests, answers chan []byte
	closed            chan struct{}
}

func newWire(room int) *wire {
	return &wire{requests: make(chan []byte, room), answers: make(chan []byte, 10), closed: make(chan struct{})}
}

func (w *wire) TrySendBytes(b []byte) error {
	select {
	case w.requests <- append([]byte(nil), b...):
		return nil
	default:
		return mp.ErrFull
	}
}

func (w *wire) SendBytes(ctx context.Context, b []byte) error {
	select {
	case w.requests <- append([]byte(nil), b...):
		return nil
	case <-w.closed:
		return io.ErrClosedPipe
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *wire) RecvAppend(ctx context.Context, dst []byte) ([]byte, error) {
	select {
	case b := <-w.answers:
		return append(dst, b...), nil
	case <-w.closed:
		return dst, io.EOF
	case <-ctx.Done():
		return dst, ctx.Err()
	}
}

func (w *wire) Close() error {
	select {
	case <-w.closed:
	default:
		close(w.closed)
	}
	return nil
}

// hears is the next request, which has to be this one.
func (w *wire) hears(t *testing.T, op, method uint8) {
	t.Helper()
	if b := <-w.requests; b[4] != op || b[5] != method {
		t.Fatalf("op %d, method %d, not %d and %d", b[4], b[5], op, method)
	}
}

// says answers a request.
func (w *wire) says(id uint32, status uint8, body ...byte) {
	w.answers <- append([]byte{byte(id), 0, 0, 0, status, 0, 0, 0}, body...)
}

// wired is a client at a wire, with a mutex, which is object 1, and a condition, 2.
func wired(w *wire) (*client, *Mutex, *Cond) {
	c := newClient([16]byte{1}, nil)
	c.conn = w
	m, d := new(Mutex), new(Cond)
	m.bind(c, kindMutex, 1, 0)
	d.bind(c, kindCond, 2, 0)
	return c, m, d
}

// bubble is synctest.Test with requests of its own, for they have channels.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	fresh := func() { requests = sync.Pool{New: requests.New} }
	fresh()
	defer fresh()
	synctest.Test(t, test)
}

// A lock that is given while its caller leaves is the caller's, whatever is told with it.
func TestGrantCrossesWithCancellation(t *testing.T) {
	for status, want := range map[uint8]error{statusOK: nil, statusOwnerDied: shared.ErrOwnerDied} {
		bubble(t, func(t *testing.T) {
			w := newWire(10)
			_, m, _ := wired(w)
			canceled, cancel := context.WithCancel(background)
			err := async(func() error { return m.Lock(canceled) })
			w.hears(t, opCall, mutexLock)
			cancel()
			w.hears(t, opCancel, 0)
			w.says(1, status)
			if err := <-err; err != want { //nolint:errorlint // it is that very error
				t.Errorf("%v, not %v", err, want)
			}
		})
	}
}

// One that is given after its caller has left is given back; a condition of a lock that was given is told to the next.
func TestGrantComesTooLate(t *testing.T) {
	for _, status := range []uint8{statusOK, statusOwnerDied} {
		bubble(t, func(t *testing.T) {
			w := newWire(10)
			_, m, _ := wired(w)
			canceled, cancel := context.WithCancel(background)
			err := async(func() error { return m.Lock(canceled) })
			w.hears(t, opCall, mutexLock)
			cancel()
			w.hears(t, opCancel, 0)
			wants(t, "Lock", <-err, context.Canceled) // after cancelWait
			err = async(func() error { return m.Lock(background) })
			w.hears(t, opCall, mutexLock)
			w.says(1, status)
			w.hears(t, opCall, mutexUndo)
			w.says(2, statusOK)
			ok(t, <-err)
		})
	}
}

// What a session had that is lost is not given back to the next one, which may have the same by then.
func TestGrantOfAnotherSession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(10)
		c, m, _ := wired(w)
		r := m.lock(mutexLock, mutexUndo)
		c.enter(r)
		c.abandon(w, r)
		c.mu.Lock()
		c.conn = newWire(10)
		c.mu.Unlock()
		w.says(1, statusOK)
		synctest.Wait()
		if c.control.some.Load() || len(c.pending) > 0 {
			t.Error("it is given back")
		}
	})
}

// A Wait whose context has ended comes back when it has the mutex, however long that takes.
func TestWaitStays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(10)
		_, _, d := wired(w)
		canceled, cancel := context.WithCancel(background)
		err := async(func() error { return d.Wait(canceled) })
		w.hears(t, opCall, condWait)
		cancel()
		w.hears(t, opCancel, 0)
		time.Sleep(time.Hour)
		synctest.Wait()
		select {
		case err := <-err:
			t.Fatalf("it is back: %v", err)
		default:
		}
		w.says(1, statusOK, waitCanceled|waitOwnerDied)
		got := <-err
		wants(t, "Wait", got, context.Canceled)
		wants(t, "Wait", got, shared.ErrOwnerDied)
	})
}

// One that has lost its server, or never had the mutex, says so, for the mutex is not held then.
func TestWaitLoses(t *testing.T) {
	for what, end := range map[string]func(w *wire){
		"closed":    func(w *wire) { _ = w.Close() },
		"not owner": func(w *wire) { w.says(1, 9) },
	} {
		bubble(t, func(t *testing.T) {
			w := newWire(10)
			_, _, d := wired(w)
			canceled, cancel := context.WithCancel(background)
			err := async(func() error { return d.Wait(canceled) })
			w.hears(t, opCall, condWait)
			cancel()
			w.hears(t, opCancel, 0)
			end(w)
			if err := <-err; err == nil || errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
}

// What is given back is given back, also where there is no room now, and the context has ended.
func TestUnlockIsSent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWire(1)
		_, m, _ := wired(w)
		w.requests <- header(nil, 99, opStats, 0, 0)
		err := async(func() error { return m.Unlock(ended()) })
		wants(t, "Unlock", <-err, context.Canceled) // after cancelWait: nobody answers
		w.hears(t, opStats, 0)
		w.hears(t, opCall, mutexUnlock)
		w.hears(t, opCancel, 0)

		err = async(func() error { return m.Unlock(ended()) })
		w.hears(t, opCall, mutexUnlock)
		w.hears(t, opCancel, 0)
		w.says(2, statusOK)
		ok(t, <-err)
	})
}

// Who waits for another's dialling waits no longer than its context.
func TestDialEndsWithContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, m, _ := wired(nil)
		c.conn, c.remote = nil, true
		c.dial = func(ctx context.Context) (conn, [16]byte, error) {
			<-ctx.Done()
			return nil, c.id, ctx.Err()
		}
		first, stop := context.WithCancel(background)
		err := async(func() error { return m.Lock(first) })
		synctest.Wait()
		limited, cancel := context.WithTimeout(background, time.Second)
		defer cancel()
		wants(t, "beside another", m.Lock(limited), context.DeadlineExceeded)
		stop()
		wants(t, "who dials", <-err, context.Canceled)
	})
}

// Ids go round, and leave out those that are in use.
func TestRequestIDs(t *testing.T) {
	c, _, _ := wired(newWire(10))
	c.lastID = 1<<32 - 2
	c.pending = map[uint32]*request{1: {}, 2: nil}
	for _, want := range []uint32{1<<32 - 1, 3, 4} {
		r := c.ask(opStats, 0, 0)
		if c.enter(r); r.id != want {
			t.Errorf("%d, not %d", r.id, want)
		}
	}
}
