package shared_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

const parties = 5

type meeting struct {
	Barrier *shared.Barrier
	Rounds  int
	Count   *shared.Value[int64]
	Log     *shared.Queue[int]
}

func newMeeting(t *testing.T, n int) meeting {
	t.Helper()
	return meeting{
		fresh(shared.NewBarrier(n))(t), 1, fresh(shared.NewValue(int64(0)))(t), fresh(shared.NewQueue[int](shared.QueueConfig{}))(t),
	}
}

// all is the same meeting for each party.
func (m meeting) all() []meeting { return slices.Repeat([]meeting{m}, parties) }

var (
	// attend comes to every round, logs its number, and returns what it arrived as.
	attend = mp.Func("attend", func(ctx context.Context, m meeting) ([]int, error) {
		arrivals := make([]int, m.Rounds)
		for round := range m.Rounds {
			if err := m.Log.Put(ctx, round); err != nil {
				return nil, err
			}
			var err error
			if arrivals[round], err = m.Barrier.Wait(ctx); err != nil {
				return nil, err
			}
		}
		return arrivals, nil
	})

	// attendOnce returns the error of its only round.
	attendOnce = mp.Func("attendOnce", func(ctx context.Context, m meeting) (int, error) { return m.Barrier.Wait(ctx) })

	// act meets, lets the first who came do what is to be done once, and meets again.
	act = mp.Func("act", func(ctx context.Context, m meeting) (int64, error) {
		n, err := m.Barrier.Wait(ctx)
		if err == nil && n == 0 {
			shared.Add(m.Count, 1)
		}
		if err == nil {
			_, err = m.Barrier.Wait(ctx)
		}
		return m.Count.Load(), err
	})
)

// T061: ten rounds on one barrier. T062: each party of a round gets another number.
func TestBarrierRounds(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		m := newMeeting(t, parties)
		m.Rounds = 10
		arrivals := everywhere(t, where, attend, m.all()...)
		for round := range m.Rounds {
			var seen []int
			for _, a := range arrivals {
				seen = append(seen, a[round])
			}
			if slices.Sort(seen); !slices.Equal(seen, []int{0, 1, 2, 3, 4}) {
				t.Errorf("round %d: arrivals %v", round, seen)
			}
		}
	})
}

// T070: in a thousand rounds nobody is in the next before all have come to this one.
func TestBarrierThousandRounds(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		m := newMeeting(t, parties)
		m.Rounds = 1000
		everywhere(t, where, attend, m.all()...)
		for i := range parties * m.Rounds {
			if round, err := m.Log.TryGet(); err != nil || round != i/parties {
				t.Fatalf("entry %d is of round %d, %v", i, round, err)
			}
		}
	})
}

// T063: what is to be done once is done once, before anybody goes on: by who came first, between two rounds.
func TestBarrierAction(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		m := newMeeting(t, parties)
		if counts := everywhere(t, where, act, m.all()...); !slices.Equal(counts, []int64{1, 1, 1, 1, 1}) {
			t.Errorf("%v", counts)
		}
	})
}

// T069: a barrier of one never waits.
func TestBarrierOfOne(t *testing.T) {
	noLeaks(t)
	b := fresh(shared.NewBarrier(1))(t)
	for range 100 {
		if n, err := b.Wait(ctx); n != 0 || err != nil {
			t.Fatal(n, err)
		}
	}
	for _, n := range []int{0, -1, 1 << 40} {
		_, err := shared.NewBarrier(n)
		wants(t, fmt.Sprint(n, " parties"), err, shared.ErrBound)
	}
}

// outcomes starts n parties that wait, and returns what tells their errors.
func outcomes(t *testing.T, where venue, m meeting, n int) func() []error {
	t.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if where == goroutines {
				_, errs[i] = m.Barrier.Wait(ctx)
				return
			}
			p, err := attendOnce.Start(ctx, m)
			if err == nil {
				_, err = p.Wait(ctx)
			}
			errs[i] = err
		})
	}
	eventually(t, fmt.Sprint(n, " wait"), func() bool { return m.Barrier.Waiting() == n })
	return func() []error { wg.Wait(); return errs }
}

func allBroken(t *testing.T, errs []error, why string) {
	t.Helper()
	for _, err := range errs {
		if !errors.Is(err, shared.ErrBroken) || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, want %q", err, why)
		}
	}
}

// T065: Reset sends away who waits, and then all can pass. T066: so it does after Abort.
func TestBarrierAbortAndReset(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		m := newMeeting(t, parties)
		b := m.Barrier
		pass := func() {
			t.Helper()
			if b.Broken() || b.Waiting() != 0 || b.Parties() != parties {
				t.Errorf("before all pass: %v", b)
			}
			m.Rounds = 2
			everywhere(t, where, attend, m.all()...)
		}
		errs := outcomes(t, where, m, 4)
		if !strings.HasPrefix(b.String(), "Barrier#") || !strings.HasSuffix(b.String(), "(4 of 5 have come)") {
			t.Error(b)
		}
		ok(t, b.Reset())
		allBroken(t, errs(), "it was reset")
		pass()

		errs = outcomes(t, where, m, 4)
		ok(t, b.Abort())
		ok(t, b.Abort())
		allBroken(t, errs(), "called Abort")
		_, err := b.Wait(ctx)
		allBroken(t, []error{err}, "called Abort")
		if !b.Broken() || !strings.Contains(b.String(), "called Abort") {
			t.Error(b)
		}
		ok(t, b.Reset())
		pass()
	})
}

// T067: one that does not come in time breaks it for all five.
func TestBarrierTimeout(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		m := newMeeting(t, parties)
		errs := outcomes(t, where, m, 3)
		limited, cancel := context.WithTimeout(ctx, short)
		defer cancel()
		_, err := m.Barrier.Wait(limited)
		wants(t, "who gave up", err, context.DeadlineExceeded)
		allBroken(t, errs(), "gave up waiting")
		_, err = m.Barrier.Wait(ctx) // the fifth
		allBroken(t, []error{err}, "gave up waiting")
	})
	noLeaks(t)
	b := fresh(shared.NewBarrier(2))(t)
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	_, err := b.Wait(canceled)
	wants(t, "with a context that has ended", err, context.Canceled)
	if b.Broken() || b.Waiting() != 0 {
		t.Errorf("who never came broke it: %v", b)
	}
}

// comeAndStay passes once, says so, and never comes again.
var comeAndStay = mp.Func("comeAndStay", func(ctx context.Context, m meeting) (int, error) {
	if _, err := m.Barrier.Wait(ctx); err != nil {
		return 0, err
	}
	shared.Add(m.Count, 1)
	select {}
})

// W05: a party that dies breaks it at once, and the error names it, whether it waits or works between two rounds.
func TestBarrierOfTheDead(t *testing.T) {
	noLeaks(t)
	m := newMeeting(t, 3)
	doomed := start(t, attendOnce, m)
	waits := make(chan error)
	go func() { _, err := m.Barrier.Wait(ctx); waits <- err }()
	eventually(t, "both wait", func() bool { return m.Barrier.Waiting() == 2 })
	ok(t, doomed.Kill())
	allBroken(t, []error{<-waits}, fmt.Sprintf("process %d, a party, died", doomed.PID()))
	ok(t, m.Barrier.Reset())

	between := start(t, comeAndStay, m)
	everywhere(t, goroutines, attendOnce, m, m)
	eventually(t, "it is between two rounds", func() bool { return m.Count.Load() == 1 })
	errs := outcomes(t, goroutines, m, 2)
	ok(t, between.Kill())
	allBroken(t, errs(), fmt.Sprintf("process %d, a party, died", between.PID()))
}

// A worker is a party as long as its function runs: what happens to it later breaks nothing.
func TestBarrierOfAPool(t *testing.T) {
	noLeaks(t)
	m := newMeeting(t, 2)
	pool := newPool(t, 1)
	other := make(chan error)
	go func() { _, err := m.Barrier.Wait(ctx); other <- err }()
	if _, err := attendOnce.Call(ctx, pool, m); err != nil {
		t.Fatal(err)
	}
	ok(t, <-other)
	ok(t, pool.Kill())
	go func() { _, err := m.Barrier.Wait(ctx); other <- err }()
	_, err := m.Barrier.Wait(ctx)
	ok(t, errors.Join(err, <-other))
}
