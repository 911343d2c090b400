package manager

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-multiproc/mp/shared"
)

const parties = 5

// newBarriers is a barrier for five, as each of so many clients sees it.
func newBarriers(t *testing.T, n int) (*server, []*Manager, []*Barrier) {
	t.Helper()
	srv, clients := newClients(t, n)
	b := []*Barrier{must(NewBarrier(clients[0], parties))}
	for _, other := range clients[1:] {
		b = append(b, seenBy(other, b[0]))
	}
	return srv, clients, b
}

// passes has five pass so many rounds, and checks that they do so together.
func passes(t *testing.T, b []*Barrier, rounds int) {
	t.Helper()
	var came, actions atomic.Int64
	var group sync.WaitGroup
	var arrivals [parties]atomic.Int64
	for i := range parties {
		group.Go(func() {
			for round := range int64(rounds) {
				came.Add(1)
				n, err := b[i%len(b)].Wait(background)
				if all := came.Load(); err != nil || all < (round+1)*parties {
					t.Errorf("round %d: %v, when %d had come", round, err, all)
					return
				}
				arrivals[n].Add(1)
				if n == 0 { // T063: what is to be done once is done by who came first, between two rounds
					actions.Add(1)
				}
				if _, err := b[i%len(b)].Wait(background); err != nil || actions.Load() != round+1 {
					t.Errorf("round %d: %v, %d actions", round, err, actions.Load())
				}
			}
		})
	}
	group.Wait()
	for i := range arrivals { // T062
		if n := arrivals[i].Load(); n != int64(rounds) {
			t.Errorf("%d of %d were number %d", n, rounds, i)
		}
	}
}

// T061, T062, T063, F213: rounds of five between clients, each complete before the next.
func TestBarrierRounds(t *testing.T) {
	_, _, b := newBarriers(t, 3)
	passes(t, b, 100)
}

// T069: a barrier of one never waits.
func TestBarrierOfOne(t *testing.T) {
	_, clients := newClients(t, 1)
	b := must(NewBarrier(clients[0], 1))
	for range 10 {
		if n, err := b.Wait(background); n != 0 || err != nil {
			t.Fatal(n, err)
		}
	}
	for _, n := range []int{0, -1} {
		_, err := NewBarrier(clients[0], n)
		wants(t, "none", err, shared.ErrBound)
	}
}

// all has n wait, and returns where their errors come.
func all(t *testing.T, srv *server, b []*Barrier, n int) <-chan error {
	t.Helper()
	before := srv.waiting()
	errs := make(chan error, n)
	for i := range n {
		go func() { _, err := b[i%len(b)].Wait(background); errs <- err }()
	}
	srv.awaits(t, before+n)
	return errs
}

func allBroken(t *testing.T, errs <-chan error, why string) {
	t.Helper()
	for range cap(errs) {
		if err := <-errs; !errors.Is(err, shared.ErrBroken) || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, want %q", err, why)
		}
	}
}

func looks(t *testing.T, b *Barrier, waiting int, broken bool) {
	t.Helper()
	if n, w, br := must(b.Parties(background)), must(b.Waiting(background)), must(b.Broken(background)); n != parties || w != waiting || br != broken {
		t.Errorf("%d parties, %d wait, broken %v; want %d, %v", n, w, br, waiting, broken)
	}
}

// T065, T139: Reset sends away who waits, and then all can pass. T066: so it does after Abort.
func TestBarrierAbortAndReset(t *testing.T) {
	srv, _, b := newBarriers(t, 3)
	errs := all(t, srv, b, 4)
	looks(t, b[1], 4, false)
	ok(t, b[2].Reset(background))
	allBroken(t, errs, "it was reset")
	looks(t, b[0], 0, false)
	passes(t, b, 2)

	errs = all(t, srv, b, 4)
	ok(t, b[0].Abort(background))
	ok(t, b[1].Abort(background))
	allBroken(t, errs, "called Abort")
	_, err := b[2].Wait(background)
	wants(t, "who comes later", err, shared.ErrBroken)
	looks(t, b[0], 0, true)
	ok(t, b[0].Reset(background))
	passes(t, b, 2)
}

// T067: one that gives up breaks it for all five.
func TestBarrierTimeout(t *testing.T) {
	srv, _, b := newBarriers(t, 2)
	_, err := b[0].Wait(ended())
	wants(t, "with a context that has ended", err, context.Canceled)
	looks(t, b[0], 0, false) // who never came does not break it
	errs := all(t, srv, b, 3)
	limited, cancel := context.WithTimeout(background, short)
	defer cancel()
	_, err = b[1].Wait(limited)
	wants(t, "who gave up", err, context.DeadlineExceeded)
	allBroken(t, errs, "gave up waiting")
	_, err = b[0].Wait(background) // the fifth
	wants(t, "who comes later", err, shared.ErrBroken)
}

// W34: a party that dies breaks it at once, whether it waits or works between two rounds; one that never came, or that was
// dismissed by a Reset, does not.
func TestBarrierOfTheDead(t *testing.T) {
	srv, clients, b := newBarriers(t, 5)
	errs := all(t, srv, b[:1], 3)
	lost := all(t, srv, b[1:2], 1)
	die(t, srv, clients[2]) // which never came
	looks(t, b[0], 4, false)
	die(t, srv, clients[1])
	allBroken(t, errs, "a party died")
	wants(t, "who died", <-lost, ErrClosed)
	ok(t, b[0].Reset(background))

	passes(t, []*Barrier{b[0], b[3], b[4]}, 1)
	errs = all(t, srv, b[:1], 3)
	die(t, srv, clients[3])
	allBroken(t, errs, "a party died")
	ok(t, b[0].Reset(background))
	errs = all(t, srv, b[:1], 3)
	die(t, srv, clients[4])
	looks(t, b[0], 3, false)
	ok(t, b[0].Reset(background))
	allBroken(t, errs, "it was reset")
}
