//go:build linux

package mp_test

import (
	"context"
	"errors"
	"math"
	"os"
	"sync"
	"testing"

	"github.com/go-multiproc/mp"
)

// sideReport reports what it is given, and then returns, or waits until it is cancelled.
var sideReport = mp.Func("sideReport", func(ctx context.Context, r sideReported) (int, error) {
	for range max(1, r.Times) {
		mp.ReportProgress(ctx, r.Fraction)
	}
	if r.Wait {
		<-ctx.Done()
	}
	return 0, ctx.Err()
})

type sideReported struct {
	Fraction float64
	Times    int
	Wait     bool
}

// W28. A fraction is heard while its element runs, by the pool's observer and by the map's.
func TestReportProgress(t *testing.T) {
	noLeaks(t)
	for given, want := range map[float64]float64{0.25: 0.25, 1: 1, -3: 0, 7: 1, math.Inf(1): 1} {
		heard := make(chan mp.Event, 100)
		pool := newPool(t, mp.PoolConfig{Workers: 2, Observer: func(e mp.Event) {
			if e.Kind == "fraction" {
				heard <- e
			}
		}})
		ctx, cancel := context.WithCancel(ctx)
		in := []sideReported{{}, {Fraction: given, Wait: true}}
		var byMap mp.Event
		_, err := sideReport.Map(ctx, pool, in, mp.Observe(func(e mp.Event) {
			if e.Kind == "fraction" && e.Index == 1 {
				byMap = e
				cancel()
			}
		}))
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		for e := range heard {
			if e.Index == 0 {
				continue
			}
			pid := e.PID
			if e != byMap || e != (mp.Event{Kind: "fraction", Function: "sideReport", Index: 1, Worker: e.Worker, PID: pid, Fraction: want}) || pid == os.Getpid() {
				t.Errorf("%v: the pool's observer heard %+v, the map's %+v", given, e, byMap)
			}
			break
		}
		cancel()
	}
}

// A fraction never comes after the end of its element, and many cost little.
func TestReportProgressOrder(t *testing.T) {
	n := 20_000
	in := make([]sideReported, n)
	for i := range in {
		in[i] = sideReported{Fraction: 0.5, Times: 10}
	}
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	inProcess := mp.InProcess(2)
	for name, x := range map[string]mp.Executor{"Pool": pool, "InProcess": inProcess} {
		var mu sync.Mutex
		finished := make([]bool, n)
		fractions := 0
		_, err := sideReport.Map(ctx, x, in, mp.Observe(func(e mp.Event) {
			mu.Lock()
			defer mu.Unlock()
			switch e.Kind {
			case "finish":
				finished[e.Index] = true
			case "fraction":
				fractions++
				if finished[e.Index] {
					t.Errorf("%s: a fraction of %d after its end", name, e.Index)
				}
			}
		}))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		t.Logf("%s: %d fractions", name, fractions)
	}
}

// What is reported too often is left out, but the latest is told while the element runs.
func TestReportProgressLatest(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 1})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	heard := 0
	_, err := sideReport.Map(ctx, pool, []sideReported{{Fraction: 0.1, Times: 100_000}, {Fraction: 0.2, Wait: true}},
		mp.Observe(func(e mp.Event) {
			if e.Kind != "fraction" {
				return
			}
			heard++
			if e.Index == 1 {
				cancel()
			}
		}))
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if heard > 1000 {
		t.Errorf("%d fractions", heard)
	}
}

// Outside of a function, and in a process of its own, nobody wants to know.
func TestReportProgressElsewhere(t *testing.T) {
	noLeaks(t)
	mp.ReportProgress(ctx, 0.5)
	p, err := sideReport.Start(ctx, sideReported{Times: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(ctx); err != nil {
		t.Error(err)
	}
}
