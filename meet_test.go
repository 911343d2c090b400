//go:build linux

package mp_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// A meeting is one of so many parties, each of which waits until all have come. Without parties there is nothing to wait for. Who
// comes leaves a file.
type meeting struct {
	Parties int
	Place   string
	Victims int // so many are killed on their way
}

func newMeeting(t *testing.T, parties int) meeting {
	t.Helper()
	return meeting{Parties: parties, Place: t.TempDir()}
}

// meet goes to a meeting.
var meet = mp.Func("meet", func(ctx context.Context, m meeting) (struct{}, error) {
	if m.Parties == 0 {
		return struct{}{}, nil
	}
	for i := range m.Victims {
		if os.Mkdir(fmt.Sprintf("%s.%d", m.Place, i), 0o700) == nil { // of all who try one succeeds
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	if err := m.come(); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, m.await(ctx, m.Parties)
})

func (m meeting) come() error {
	f, err := os.CreateTemp(m.Place, "")
	if err != nil {
		return err
	}
	return f.Close()
}

// await waits until so many have come, or ctx ends.
func (m meeting) await(ctx context.Context, n int) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if came, err := os.ReadDir(m.Place); err != nil || len(came) >= n {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func yieldTwice(yield func(meeting) bool, m meeting) {
	for range 2 {
		yield(m)
	}
}

// crowds are executors of so many workers.
func crowds(t *testing.T, workers int, test func(t *testing.T, x mp.Executor)) {
	t.Run("Pool", func(t *testing.T) {
		noLeaks(t)
		test(t, newPool(t, mp.PoolConfig{Workers: workers}))
	})
	t.Run("InProcess", func(t *testing.T) { test(t, mp.InProcess(workers)) })
}

// ways are those in which elements are run.
var ways = map[string]func(ctx context.Context, x mp.Executor, in []meeting, opts []mp.MapOption) error{
	"Map": func(ctx context.Context, x mp.Executor, in []meeting, opts []mp.MapOption) error {
		_, err := meet.Map(ctx, x, in, opts...)
		return err
	},
	"Results": func(ctx context.Context, x mp.Executor, in []meeting, opts []mp.MapOption) error {
		for _, r := range meet.Results(ctx, x, slices.Values(in), opts...) {
			if r.Err != nil {
				return r.Err
			}
		}
		return nil
	},
	"Stream": func(ctx context.Context, x mp.Executor, in []meeting, opts []mp.MapOption) error {
		for _, err := range meet.Stream(ctx, x, slices.Values(in), opts...) {
			if err != nil {
				return err
			}
		}
		return nil
	},
	"Go": func(ctx context.Context, x mp.Executor, in []meeting, opts []mp.MapOption) error {
		var callOpts []mp.CallOption
		for _, o := range opts {
			if o, ok := o.(mp.CallOption); ok {
				callOpts = append(callOpts, o)
			}
		}
		futures := make([]*mp.Future[struct{}], len(in))
		for i, m := range in {
			futures[i] = meet.Go(ctx, x, m, callOpts...)
		}
		for _, f := range futures {
			if _, err := f.Wait(ctx); err != nil {
				return err
			}
		}
		return nil
	},
}

// options are those that change how elements travel.
var options = [][]mp.MapOption{
	nil, {mp.ChunkSize(1)}, {mp.ChunkSize(2)}, {mp.ChunkSize(100)}, {mp.Timeout(time.Hour), mp.Retries(2)},
}

// soon is a context that ends what would hang.
func soon(t *testing.T) context.Context {
	t.Helper()
	c, cancel := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	return c
}

// meetAll runs the elements in every way with these options, and fails if not all meet.
func meetAll(t *testing.T, x mp.Executor, in func() []meeting, opts []mp.MapOption) {
	t.Helper()
	for name, way := range ways {
		if err := way(soon(t), x, in(), opts); err != nil {
			t.Errorf("%s with %v: %v", name, opts, err)
		}
	}
}

// F077, W26: as many elements as there are workers run at once, the first first, so they may wait for each other, in batches of any size.
func TestElementsMeet(t *testing.T) {
	for _, c := range []struct{ workers, n, parties int }{{1, 1, 1}, {2, 2, 2}, {4, 4, 4}, {8, 8, 8}, {4, 5, 4}, {4, 100, 4}, {4, 3, 3}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			crowds(t, c.workers, func(t *testing.T, x mp.Executor) {
				for _, opts := range options {
					meetAll(t, x, func() []meeting {
						in := make([]meeting, c.n)
						m := newMeeting(t, c.parties)
						for i := range c.parties {
							in[i] = m
						}
						return in
					}, opts)
				}
			})
		})
	}
}

// The first element meets the second, the third the fourth, and so on.
func TestPairsMeet(t *testing.T) {
	crowds(t, 4, func(t *testing.T, x mp.Executor) {
		meetAll(t, x, func() (in []meeting) {
			for range 4 {
				m := newMeeting(t, 2)
				in = append(in, m, m)
			}
			return in
		}, nil)
	})
}

// Those that meet lie side by side and far apart, among others so short that thousands are sent at a time.
func TestElementsMeetAcrossBatches(t *testing.T) {
	crowds(t, 4, func(t *testing.T, x mp.Executor) {
		for range 3 {
			meetAll(t, x, func() []meeting {
				in := make([]meeting, 5000)
				m := newMeeting(t, 4)
				for _, i := range []int{1000, 1001, 2500, 4999} {
					in[i] = m
				}
				return in
			}, nil)
		}
	})
}

// Elements that come while others wait for them run at once, also while the loop's body is busy with an earlier outcome.
func TestLateElementsMeet(t *testing.T) {
	crowds(t, 4, func(t *testing.T, x mp.Executor) {
		for range 10 {
			c, m := soon(t), newMeeting(t, 4)
			lateStream(c, t, x, func() error { return m.await(c, 4) }, func(yield func(meeting) bool) error {
				yieldTwice(yield, m)
				if err := m.await(c, 2); err != nil {
					return err
				}
				yieldTwice(yield, m)
				return nil
			})
		}
	})
}

// The same, for who is idle only when both the input and the loop's body are busy.
func TestElementsMeetWhoeverEndsMeanwhile(t *testing.T) {
	crowds(t, 2, func(t *testing.T, x mp.Executor) {
		for range 10 {
			c, first, second := soon(t), newMeeting(t, 3), newMeeting(t, 2)
			lateStream(c, t, x, func() error { return second.await(c, 2) }, func(yield func(meeting) bool) error {
				yieldTwice(yield, first)
				if err := first.await(c, 2); err != nil { // so that both workers are busy
					return err
				}
				yieldTwice(yield, second)
				return first.come()
			})
		}
	})
}

// lateStream runs a stream whose input waits, after the first element and after the last, for the loop's body; and this, at the first
// outcome, for met.
func lateStream(ctx context.Context, t *testing.T, x mp.Executor, met func() error, in func(yield func(meeting) bool) error) {
	t.Helper()
	busy, over := make(chan struct{}), make(chan struct{})
	n := 0
	for _, err := range meet.Stream(ctx, x, func(yield func(meeting) bool) {
		yield(meeting{})
		<-busy
		if err := in(yield); err != nil {
			t.Error(err)
		}
		<-over
	}) {
		if err != nil {
			t.Error(err)
		}
		if n++; n == 1 {
			close(busy)
			if err := met(); err != nil {
				t.Error(err)
			}
			close(over)
		}
	}
}

// A worker that is killed, or runs something that must be, keeps nobody from meeting: what it had goes to others or to its successor.
func TestElementsMeetThoughWorkersDie(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 4})
	for _, opts := range options {
		meetAll(t, pool, func() []meeting {
			m := newMeeting(t, 4)
			m.Victims = 2
			return []meeting{m, m, m, m}
		}, append([]mp.MapOption{mp.Retries(2)}, opts...))
		hung := deaf.Go(ctx, pool, 0, mp.Timeout(20*time.Millisecond), mp.Grace(time.Millisecond))
		meetAll(t, pool, func() []meeting {
			m := newMeeting(t, 4)
			return []meeting{m, m, m, m}
		}, opts)
		if _, err := hung.Wait(ctx); err == nil {
			t.Error("what hangs has ended well")
		}
	}
}
