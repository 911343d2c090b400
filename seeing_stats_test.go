//go:build linux

package mp_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// touchy is an argument whose String method has its moods.
type touchy struct{ N int }

func (t touchy) String() string {
	if t.N < 0 {
		panic("do not look at me")
	}
	return strings.Repeat("é", t.N)
}

// stamped has a marshaller, so code of others would be asked for a copy.
type stamped struct{ At time.Time }

var (
	// seeingHold waits until a file is there, unless it has no name.
	seeingHold = mp.Func("test.seeing.hold", func(_ context.Context, name string) (int, error) {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for name != "" {
			if _, err := os.Stat(name); err == nil {
				break
			}
			<-tick.C
		}
		return 0, nil
	})
	seeingTouchy  = mp.Func("test.seeing.touchy", func(context.Context, touchy) (int, error) { return 0, nil })
	seeingStamped = mp.Func("test.seeing.stamped", func(context.Context, stamped) (int, error) { return 0, nil })
)

// W28, W29: what a pool says of itself adds up when a map has returned: elements, bytes, and the time of its workers.
func TestSeeingStats(t *testing.T) {
	noLeaks(t)
	const n = 1000
	pool := newPool(t, mp.PoolConfig{Workers: 2, Init: setup.With(1)})
	mustMap(t, square, pool, make([]int, n))
	s := pool.Stats()
	if s.Accepted != n || s.Done != n || s.Failed+s.Cancelled+s.Retried+s.Restarts != 0 || s.Queued+s.Running != 0 {
		t.Errorf("%+v", s)
	}
	if s.BytesSent < 8*n || s.BytesReceived != 8*n || s.Bytes != s.BytesSent+s.BytesReceived { // what moves is sent again
		t.Errorf("%d bytes sent, %d received, %d in all", s.BytesSent, s.BytesReceived, s.Bytes)
	}
	for _, h := range []mp.Histogram{s.WaitingTimes, s.RunningTimes} {
		if h.Count() != n || h.Min() > h.Quantile(0.5) || h.Quantile(0.5) > h.Quantile(0.999) || h.Quantile(0.999) > h.Max() || h.Mean() > h.Max() {
			t.Errorf("%v", h)
		}
	}
	var sum mp.WorkerTime
	bytes := int64(0)
	for _, w := range s.Workers {
		for to, d := range map[*time.Duration]time.Duration{
			&sum.Starting: w.Time.Starting, &sum.Init: w.Time.Init, &sum.Waiting: w.Time.Waiting, &sum.Working: w.Time.Working,
		} {
			if *to += d; d <= 0 && to != &sum.Working {
				t.Errorf("worker %d: %+v", w.Index, w.Time)
			}
		}
		if bytes += w.BytesSent; w.PeakRSS < w.RSS*9/10 || w.RSS == 0 || w.LastError != nil || w.Restarts != 0 {
			t.Errorf("%+v", w)
		}
	}
	if sum != s.Time || bytes != s.BytesSent || s.Time.Working <= 0 || s.Time.Utilisation() <= 0 || s.Time.Utilisation() >= 1 {
		t.Errorf("workers have spent %+v and got %d bytes, the pool %+v", sum, bytes, s)
	}
	if idle := s.Time.Since(s.Time); idle.Total() != 0 || idle.Utilisation() != 0 {
		t.Errorf("%+v", idle)
	}
	if (mp.Histogram{}).String() != "none" || (mp.Histogram{}).Quantile(0.5) != 0 {
		t.Error("an empty histogram has something")
	}
}

// W28: one that takes long is found among thousands, by whatever it was called, with its argument.
func TestSeeingSlowest(t *testing.T) {
	noLeaks(t)
	for name, run := range map[string]func(*mp.Pool, []string) error{
		"Map": func(p *mp.Pool, in []string) error { _, err := seeingHold.Map(ctx, p, in); return err },
		"Results": func(p *mp.Pool, in []string) (err error) {
			for _, r := range seeingHold.Results(ctx, p, slices.Values(in)) {
				err = errors.Join(err, r.Err)
			}
			return err
		},
		"Call": func(p *mp.Pool, in []string) error { _, err := seeingHold.Call(ctx, p, in[1234]); return err },
	} {
		t.Run(name, func(t *testing.T) {
			pool := newPool(t, mp.PoolConfig{Workers: 1})
			index, file := 1234, filepath.Join(t.TempDir(), "go")
			in := make([]string, 2000)
			in[index] = file
			if name == "Call" {
				index = 0
			}
			done := make(chan error)
			go func() { done <- run(pool, in) }()
			// It goes on when it has run for much longer than anything before, whatever else keeps this machine busy.
			eventually(t, "it takes long", func() bool {
				s := pool.Stats()
				w, longest := s.Workers[0], s.RunningTimes.Max()
				return w.State == "running" && time.Since(w.Since) > max(4*longest, 300*time.Millisecond)
			})
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			var s mp.PoolStats
			eventually(t, "it is measured", func() bool {
				s = pool.Stats()
				return len(s.Slowest) > 0 && s.Slowest[0].Duration == s.RunningTimes.Max()
			})
			e := s.Slowest[0]
			if e.Function != "test.seeing.hold" || e.Index != index || e.Argument != file || e.Worker != 0 || e.PID != s.Workers[0].PID || e.Ended.IsZero() {
				t.Errorf("%+v", s.Slowest)
			}
		})
	}
}

// The text of an argument is short, and nothing that its methods do hurts the pool.
func TestSeeingArguments(t *testing.T) {
	noLeaks(t)
	for want, run := range map[string]func(*mp.Pool) error{
		strings.Repeat("é", 50): func(p *mp.Pool) error { _, err := seeingTouchy.Call(ctx, p, touchy{50}); return err },
		strings.Repeat("é", 98) + "…": func(p *mp.Pool) error {
			_, err := seeingTouchy.Call(ctx, p, touchy{500})
			return err
		},
		"%!v(PANIC=String method: do not look at me)": func(p *mp.Pool) error {
			_, err := seeingTouchy.Call(ctx, p, touchy{-1})
			return err
		},
		"":                      func(p *mp.Pool) error { _, err := seeingStamped.Call(ctx, p, stamped{time.Now()}); return err },
		"[]uint8, 100008 bytes": func(p *mp.Pool) error { _, err := echo.Call(ctx, p, make([]byte, 100_000)); return err },
	} {
		pool := newPool(t, mp.PoolConfig{Workers: 1})
		if err := run(pool); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is measured", func() bool { return len(pool.Stats().Slowest) == 1 })
		got := pool.Stats().Slowest[0].Argument
		if len(got) > 200 || (want == "[]uint8, 100008 bytes" && !strings.HasPrefix(got, "[]uint8, 1000")) || (want != "[]uint8, 100008 bytes" && got != want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What ends without an outcome is cancelled, and a worker that dies leaves its reason and its time.
func TestSeeingCancelledAndDead(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	if _, err := odd.Map(ctx, pool, []int{1, 2, 3, 4, 5, 6}); err == nil {
		t.Fatal("it went well")
	}
	fut := wait.Go(ctx, pool, 1)
	victim := mp.WorkerInfo{}
	eventually(t, "one runs", func() bool {
		for _, w := range pool.Workers() {
			if w.State == "running" && w.Function == "wait" {
				victim = w
			}
		}
		return victim.PID > 0
	})
	fut.Cancel()
	eventually(t, "all are accounted for", func() bool {
		s := pool.Stats()
		return s.Accepted == 7 && s.Running+s.Queued == 0 && s.Cancelled >= 1 && s.Failed >= 1 && s.Done+s.Failed+s.Cancelled == 7
	})
	if err := syscall.Kill(victim.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is replaced", func() bool {
		w := pool.Workers()[victim.Index]
		return w.PID != victim.PID && w.State == "idle"
	})
	s := pool.Stats()
	w := s.Workers[victim.Index]
	var died *mp.WorkerError
	if s.Restarts != 1 || s.RestartsBy["death"] != 1 || w.Restarts != 1 || !errors.As(w.LastError, &died) || died.Signal != syscall.SIGKILL {
		t.Errorf("%v, %+v", s.RestartsBy, w)
	}
	if w.Time.Starting <= victim.Time.Starting || w.PeakRSS < victim.PeakRSS {
		t.Errorf("before %+v, with a successor %+v", victim, w)
	}
	if s.Cancelled+s.Done+s.Failed != s.Accepted {
		t.Errorf("%+v", s)
	}
}
