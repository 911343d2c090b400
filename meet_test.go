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
	"github.com/go-multiproc/mp/shared"
)

// A meeting is one of so many parties, each of which waits until all have come. Without parties there is nothing to wait for.
type meeting struct {
	Parties int
	Came    *shared.Value[int]
	All     *shared.Event
	Victims *shared.Value[int] // how many are still to be killed on their way, if not nil
}

func newMeeting(t *testing.T, parties int) meeting {
	t.Helper()
	came, err := shared.NewValue(0)
	if err != nil {
		t.Fatal(err)
	}
	all, err := shared.NewEvent()
	if err != nil {
		t.Fatal(err)
	}
	return meeting{Parties: parties, Came: came, All: all}
}

// meet goes to a meeting.
var meet = mp.Func("meet", func(ctx context.Context, m meeting) (struct{}, error) {
	if m.Parties == 0 {
		return struct{}{}, nil
	}
	if m.Victims != nil && shared.Add(m.Victims, -1) >= 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	if shared.Add(m.Came, 1) == m.Parties {
		if err := m.All.Set(); err != nil {
			return struct{}{}, err
		}
	}
	return struct{}{}, m.All.Wait(ctx)
})

// await waits until so many have come to a meeting, or ctx ends.
func (m meeting) await(ctx context.Context, n int) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for m.Came.Load() < n && ctx.Err() == nil {
		<-tick.C
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
			t.Errorf("%s with %v: %v\n%+v", name, opts, err, situation())
		}
	}
}

// F077: as many elements as there are workers run at once, the first first, so they may wait for each other, in batches of any size.
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
			busy, met := make(chan struct{}), make(chan struct{})
			in := func(yield func(meeting) bool) {
				yield(meeting{})
				<-busy
				yieldTwice(yield, m)
				m.await(c, 2)
				yieldTwice(yield, m)
				<-met
			}
			n := 0
			for _, err := range meet.Stream(c, x, in) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == 1 {
					close(busy)
					if err := m.All.Wait(c); err != nil {
						t.Error(err)
					}
					close(met)
				}
			}
		}
	})
}

// The same, where a worker becomes idle while the feeder and the body are busy.
func TestElementsMeetWhoeverEndsMeanwhile(t *testing.T) {
	crowds(t, 2, func(t *testing.T, x mp.Executor) {
		for range 10 {
			c, first, second := soon(t), newMeeting(t, 3), newMeeting(t, 2)
			busy, met := make(chan struct{}), make(chan struct{})
			in := func(yield func(meeting) bool) {
				yield(meeting{})
				<-busy
				yieldTwice(yield, first)
				first.await(c, 2)         // both workers are busy
				yieldTwice(yield, second) // for when they no longer are
				shared.Add(first.Came, 1)
				if err := first.All.Set(); err != nil {
					t.Error(err)
				}
				<-met
			}
			n := 0
			for _, r := range meet.Results(c, x, in) {
				if r.Err != nil {
					t.Fatal(r.Err)
				}
				if n++; n == 1 {
					close(busy)
					if err := second.All.Wait(c); err != nil {
						t.Error(err)
					}
					close(met)
				}
			}
		}
	})
}

// A worker that is killed, or runs something that must be, keeps nobody from meeting: what it had goes to others or to its successor.
func TestElementsMeetThoughWorkersDie(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 4})
	for _, opts := range options {
		meetAll(t, pool, func() []meeting {
			m := newMeeting(t, 4)
			victims, err := shared.NewValue(2)
			if err != nil {
				t.Fatal(err)
			}
			m.Victims = victims
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
