package manager

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-multiproc/mp/pipe"
)

// The server's MaxMessage counts, also for a client that was told of another: a request that is larger is an error of its call only.
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
	if n := srv.bytes.Load(); n != 0 {
		t.Errorf("%d bytes are left", n)
	}
}
