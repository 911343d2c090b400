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

// A meeting is of so many parties, each of which waits until all have come. One that dies before it has come is not missed.
type meeting struct {
	Parties int
	Came    *shared.Value[int]
	All     *shared.Event
	Victim  *shared.Value[int] // how many are still to die on their way; nil for none
	Pad     []byte
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

// meet comes to a meeting, and returns how many were there before.
var meet = mp.Func("meet", func(ctx context.Context, m meeting) (int, error) {
	if m.Parties == 0 {
		return 0, nil
	}
	if m.Victim != nil && shared.Add(m.Victim, -1) >= 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	n := shared.Add(m.Came, 1)
	if n == m.Parties {
		if err := m.All.Set(); err != nil {
			return 0, err
		}
	}
	return n - 1, m.All.Wait(ctx)
})

// crowds are executors of so many workers.
func crowds(t *testing.T, workers int, test func(t *testing.T, x mp.Executor)) {
	t.Run("Pool", func(t *testing.T) {
		noLeaks(t)
		test(t, newPool(t, mp.PoolConfig{Workers: workers}))
	})
	t.Run("InProcess", func(t *testing.T) { test(t, mp.InProcess(workers)) })
}

// ways are those to run a function on elements.
var ways = map[string]func(ctx context.Context, x mp.Executor, in []meeting, opts ...mp.MapOption) error{
	"Map": func(ctx context.Context, x mp.Executor, in []meeting, opts ...mp.MapOption) error {
		_, err := meet.Map(ctx, x, in, opts...)
		return err
	},
	"Results": func(ctx context.Context, x mp.Executor, in []meeting, opts ...mp.MapOption) error {
		for _, r := range meet.Results(ctx, x, slices.Values(in), opts...) {
			if r.Err != nil {
				return r.Err
			}
		}
		return nil
	},
	"Stream": func(ctx context.Context, x mp.Executor, in []meeting, opts ...mp.MapOption) error {
		for _, err := range meet.Stream(ctx, x, slices.Values(in), opts...) {
			if err != nil {
				return err
			}
		}
		return nil
	},
	"Go": func(ctx context.Context, x mp.Executor, in []meeting, _ ...mp.MapOption) error {
		var futures []*mp.Future[int]
		for _, m := range in {
			futures = append(futures, meet.Go(ctx, x, m))
		}
		for _, f := range futures {
			if _, err := f.Wait(ctx); err != nil {
				return err
			}
		}
		return nil
	},
}

// eachMeets runs a meeting's elements in every way, and fails if they never all run.
func eachMeets(t *testing.T, x mp.Executor, what string, in func() []meeting, opts ...mp.MapOption) {
	t.Helper()
	for name, way := range ways {
		within(t, func(ctx context.Context) {
			if err := way(ctx, x, in(), opts...); err != nil {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		})
	}
}

// within gives what would else hang a minute.
func within(t *testing.T, f func(ctx context.Context)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	f(ctx)
}

// As many elements as there are workers run at once, so they can wait for each other, in batches of any size.
func TestElementsMeet(t *testing.T) {
	for _, c := range []struct{ workers, n, parties int }{{1, 1, 1}, {2, 2, 2}, {4, 4, 4}, {8, 8, 8}, {4, 5, 4}, {4, 100, 4}, {4, 3, 3}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			crowds(t, c.workers, func(t *testing.T, x mp.Executor) {
				for _, opts := range [][]mp.MapOption{
					nil, {mp.ChunkSize(1)}, {mp.ChunkSize(2)}, {mp.ChunkSize(100)}, {mp.Timeout(time.Hour), mp.Retries(2)},
				} {
					eachMeets(t, x, fmt.Sprintf("%T%v", opts, opts), func() []meeting {
						m := newMeeting(t, c.parties)
						in := make([]meeting, c.n)
						for i := range c.parties {
							in[i] = m
						}
						return in
					}, opts...)
				}
			})
		})
	}
}

// The first pair, the second, and so on: each meets on workers of which every second is taken by the pair before.
func TestPairsMeet(t *testing.T) {
	crowds(t, 4, func(t *testing.T, x mp.Executor) {
		eachMeets(t, x, "pairs", func() (in []meeting) {
			for range 4 {
				m := newMeeting(t, 2)
				in = append(in, m, m)
			}
			return in
		})
	})
}

// Those that wait for each other lie far apart, among elements so short that thousands are sent at a time.
func TestElementsMeetAcrossBatches(t *testing.T) {
	crowds(t, 4, func(t *testing.T, x mp.Executor) {
		for range 3 {
			eachMeets(t, x, "far apart", func() []meeting {
				m := newMeeting(t, 4)
				in := make([]meeting, 5000)
				for _, i := range []int{0, 1, 2500, 4999} {
					in[i] = m
				}
				return in
			})
		}
	})
}
