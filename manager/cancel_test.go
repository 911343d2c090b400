package manager

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-multiproc/mp/shared"
)

// Contexts that end at any moment, of many calls over few connections: whoever is told that it has the lock has it, alone, and nobody waits
// for one that nobody has, nor for an answer that nobody reads.
func TestCancelledAtAnyMoment(t *testing.T) {
	srv := newTestServer(t, Config{})
	a, b := srv.connect(t), srv.connect(t)
	mu, err := NewMutex(a)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDict[int, []byte](a)
	if err != nil {
		t.Fatal(err)
	}
	muB, dB := *mu, *d
	muB.c, dB.c = b.c, b.c
	var inside atomic.Int32
	var group sync.WaitGroup
	for i := range 8 {
		mu, d := mu, d
		if i%2 == 1 {
			mu, d = &muB, &dB
		}
		group.Go(func() {
			for n := range 200 {
				ctx, cancel := context.WithTimeout(background, time.Duration(rand.IntN(200))*time.Microsecond)
				if n%4 == 0 {
					_ = d.Set(ctx, i, make([]byte, rand.IntN(300_000)))
					_, _ = d.Get(ctx, i)
				}
				err := mu.Lock(ctx)
				cancel()
				switch {
				case err == nil:
					if inside.Add(1) != 1 {
						t.Error("two have the lock")
					}
					inside.Add(-1)
					if err := mu.Unlock(background); err != nil {
						t.Error(err)
					}
				case !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, shared.ErrOwnerDied):
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if err := muB.Lock(background); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]*client{"a": a.c, "b": b.c} {
		c.mu.Lock()
		if n := len(c.pending); n > 0 {
			t.Errorf("%d requests of %s are left", n, name)
		}
		c.mu.Unlock()
	}
}

// Connections that break at any moment: what was carried out stays, what only reads is done again, and no call gets another's answer.
func TestBrokenAtAnyMoment(t *testing.T) {
	srv := newTestServer(t, Config{})
	m := srv.redialling(t)
	d, err := NewDict[int, []int](m)
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewList[int](m)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	var added, unsure atomic.Int64
	for i := range 6 {
		group.Go(func() {
			for n := range 200 {
				if conn := m.c.up(); conn != nil && rand.IntN(10) == 0 {
					_ = conn.Close()
				}
				want := []int{i, n, 9: n}
				err := d.Set(background, i, want)
				for errors.Is(err, ErrInterrupted) { // nobody else sets this key
					err = d.Set(background, i, want)
				}
				if err != nil {
					t.Error(err)
				}
				if got, err := d.Get(background, i); err != nil || !slices.Equal(got, want) {
					t.Errorf("%v, want %v, %v", got, want, err)
				}
				switch err := l.Append(background, n); {
				case err == nil:
					added.Add(1)
				case errors.Is(err, ErrInterrupted):
					unsure.Add(1)
				default:
					t.Error(err)
				}
				for e, err := range d.All(background) {
					if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrInterrupted) {
						t.Error(err)
					} else if err == nil && e.Value[0] != e.Key {
						t.Errorf("%d has %v", e.Key, e.Value)
					}
				}
			}
		})
	}
	group.Wait()
	n, err := l.Len(background)
	if least, most := added.Load(), added.Load()+unsure.Load(); err != nil || int64(n) < least || int64(n) > most {
		t.Errorf("%d elements, %d to %d were added, %v", n, least, most, err)
	}
}
