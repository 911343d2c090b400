package manager

import (
	"testing"
	"time"

	"github.com/go-multiproc/mp/shared"
)

// of makes a proxy another client's, as if it had come there.
func (q *Queue[T]) of(m *Manager) *Queue[T] {
	other := &Queue[T]{item: q.item}
	other.bind(m.c, kindQueue, q.id, q.sig)
	m.c.control.retain(q.id)
	return other
}

// W06: what a client had taken whose connection ends, others get, the first one first; what it waits to put is not put, and what comes
// goes to others.
func TestQueueOfSessionThatEnds(t *testing.T) {
	srv := newTestServer(t, Config{Lease: time.Millisecond})
	a, b, c := srv.connect(t), srv.connect(t), srv.connect(t)
	q, err := NewQueue[int](a, shared.QueueConfig{Capacity: 4})
	if err != nil {
		t.Fatal(err)
	}
	ofB, ofC := q.of(b), q.of(c)
	put := func(items ...int) {
		t.Helper()
		for _, item := range items {
			if err := ofB.TryPut(background, item); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(0, 1, 2, 3)
	for range 3 {
		if _, err := q.Take(background); err != nil {
			t.Fatal(err)
		}
	}
	put(4, 5, 6)
	go func() { _ = q.Put(background, 9) }()
	srv.awaits(t, 1)
	a.c.close(ErrClosed)
	srv.awaits(t, 0)
	for i := range 7 {
		if item, err := ofB.Get(background); item != i || err != nil {
			t.Errorf("item %d is %d, %v", i, item, err)
		}
	}
	go func() { _, _ = ofC.Get(background) }()
	srv.awaits(t, 1)
	c.c.close(ErrClosed)
	srv.awaits(t, 0)
	put(7)
	if item, err := ofB.TryGet(background); item != 7 || err != nil {
		t.Error(item, err)
	}
	b.c.close(ErrClosed)
	srv.emptied(t)
}

// What came to a caller who had left goes back in front of all others, or to who waits, whatever the limits say.
func TestQueueTakesBack(t *testing.T) {
	srv := newTestServer(t, Config{MaxBytes: 200})
	p := newPuppet(srv)
	q := p.make(t, kindQueue, 0, arguments{}.int(1).int(100))
	p.call(t, queuePut, q, arguments{}.text("first"))
	if got := p.call(t, queueGet, q, nil); string(got) != "first" {
		t.Fatalf("%q", got)
	}
	p.call(t, queuePut, q, arguments{}.text("second"))
	p.call(t, queueUngot, q, []byte("first"))
	taken := p.call(t, queueTake, q, nil)
	if string(taken[1:]) != "first" {
		t.Fatalf("%q", taken)
	}
	srv.audited(t, p.session)
	p.call(t, queueUntaken, q, taken)
	for _, want := range []string{"first", "second"} {
		if got := p.call(t, queueTryGet, q, nil); string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	waits := p.request(opCall, queueGet, q, nil)
	p.call(t, queueUngot, q, []byte("third"))
	if _, got, ok := p.answer(waits); !ok || string(got) != "third" {
		t.Errorf("%q, %t", got, ok)
	}
	p.end()
	srv.emptied(t)
}
