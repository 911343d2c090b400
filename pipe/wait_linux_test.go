package pipe

import (
	"errors"
	"io"
	"slices"
	"testing"
)

// T173, T175: several connections with a writer each. Every message arrives, and each end is told.
func TestWaitForConnections(t *testing.T) {
	noLeaks(t)
	const conns, each = 4, 10
	var waiting []Waitable
	for range conns {
		a, b := pair(t)
		waiting = append(waiting, b)
		go func() {
			for i := range each {
				if i == each/2 { // a pause: until all before is received
					eventually(t, "it is empty", func() bool { r := a.c.(*rings); return r.tx.tail.Load() == r.tx.head.Load() })
				}
				_ = a.SendBytes(ctx, []byte{byte(i)})
			}
			_ = a.Close()
		}()
	}
	count := make(map[Waitable]int)
	for len(waiting) > 0 {
		ready, err := Wait(ctx, waiting...)
		if err != nil || len(ready) == 0 {
			t.Fatal(ready, err)
		}
		again, err := Wait(ended(), ready...)
		if err != nil || !slices.Equal(ready, again) {
			t.Fatalf("%d were ready, then %d, %v", len(ready), len(again), err)
		}
		for _, w := range ready {
			m, err := w.(*Conn).RecvBytes(ctx)
			if errors.Is(err, io.EOF) {
				if count[w] != each {
					t.Errorf("the end came after %d messages", count[w])
				}
				waiting = slices.DeleteFunc(waiting, func(x Waitable) bool { return x == w })
				continue
			}
			if err != nil || m[0] != byte(count[w]) {
				t.Fatal(m, err)
			}
			count[w]++
		}
	}
}

// An end that is closed, or whose other end is, is ready.
func TestWaitForEnds(t *testing.T) {
	noLeaks(t)
	a, b := pair(t)
	c, d := pair(t)
	got := make(chan []Waitable)
	wait := func(w ...Waitable) {
		ready, err := Wait(ctx, w...)
		if err != nil {
			t.Error(err)
		}
		got <- ready
	}
	go wait(b, d)
	ok(t, c.Close())
	if ready := <-got; !slices.Equal(ready, []Waitable{d}) {
		t.Fatal(ready)
	}
	go wait(a)
	ok(t, a.Close())
	if ready := <-got; !slices.Equal(ready, []Waitable{a}) {
		t.Fatal(ready)
	}
	if ready, err := Wait(ctx, a, b, c, d); err != nil || len(ready) != 4 {
		t.Fatal(ready, err)
	}
}
