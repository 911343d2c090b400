package manager

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-multiproc/mp/pipe"
	"github.com/go-multiproc/mp/shared"
)

// W35: the server's MaxMessage counts, also for a client that was told of another: a request that is larger is an error of its call only.
func TestMaxMessageIsTheServers(t *testing.T) {
	srv := newTestServer(t, Config{MaxMessage: 1 << 20})
	w := familyWay(1 << 20)
	if _, err := srv.listen(w); err != nil {
		t.Fatal(err)
	}
	w.cfg.MaxMessage = 256 << 20
	m, err := w.connect(background, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.c.close(ErrClosed)
	d, err := NewDict[string, []byte](m)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Set(background, "a", make([]byte, 2<<20)); !errors.Is(err, pipe.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if err := d.Set(background, "a", make([]byte, 1000)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A client that takes less than the server gives is told so, and connects anew.
func TestAnswerLargerThanTheClientTakes(t *testing.T) {
	for _, remote := range []bool{false, true} {
		testAnswerTooLarge(t, remote)
	}
}

func testAnswerTooLarge(t *testing.T, remote bool) {
	srv := newTestServer(t, Config{})
	w := familyWay(256 << 20)
	if _, err := srv.listen(w); err != nil {
		t.Fatal(err)
	}
	other := srv.connect(t)
	d, err := NewDict[string, []byte](other)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Set(background, "a", make([]byte, 2<<20)); err != nil {
		t.Fatal(err)
	}
	w.cfg.MaxMessage = 1 << 20
	m, err := w.connect(background, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.c.close(ErrClosed)
	m.c.remote = remote
	d.c = m.c
	if _, err := d.Get(background, "a"); !errors.Is(err, pipe.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if n, err := d.Len(background); err != nil || n != 1 {
		t.Errorf("afterwards: %d, %v", n, err)
	}
}

// Names cost what they are long, as long as they are there.
func TestNamesAreLimited(t *testing.T) {
	srv := newTestServer(t, Config{MaxBytes: 10_000})
	m := srv.connect(t)
	long := strings.Repeat("n", 4000)
	for _, name := range []string{long + "1", long + "1", long + "2"} {
		if err := Publish(background, m, name, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := Publish(background, m, long+"3", 1); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
	for _, name := range []string{long + "1", long + "2"} {
		if err := Unpublish(background, m, name); err != nil {
			t.Error(err)
		}
	}
	srv.empties(t)
}

// A client that waits for items and reads none of them does not fill the server's memory.
func TestUnreadItemsEndTheSession(t *testing.T) {
	srv := newTestServer(t, Config{})
	srv.backlog = 8 << 20
	m, bad := srv.connect(t), srv.connect(t)
	q, err := NewQueue[[]byte](m, shared.QueueConfig{})
	if err != nil {
		t.Fatal(err)
	}
	const calls = 20
	for id := range uint32(calls) {
		if err := bad.c.conn.SendBytes(background, header(nil, id+1, opCall, queueGet, q.id)); err != nil {
			t.Fatal(err)
		}
	}
	for waiting := 0; waiting < calls; {
		st, err := m.Stats(background)
		if err != nil {
			t.Fatal(err)
		}
		waiting = st.Waiting
	}
	for range calls {
		if err := q.Put(background, make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	for clients := 2; clients > 1; {
		st, err := m.Stats(background)
		if err != nil {
			t.Fatal(err)
		}
		clients = st.Clients
	}
}
