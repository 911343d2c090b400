//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

func schedLease(t *testing.T, pool *mp.Pool) *mp.Lease {
	t.Helper()
	l, err := pool.Lease(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Release(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// A leased worker runs what its holder calls, in order, and nothing else; when it is released it is as any.
func TestSchedLease(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	l := schedLease(t, pool)
	p, shared := newSchedPlay(t, l), newSchedPlay(t, pool)
	var in []schedStep
	var all []*mp.Future[schedAt]
	for i := range 30 {
		in = append(in, p.step(fmt.Sprint(i)))
		all = append(all, shared.start("x", mp.Key(fmt.Sprint(i%2)))) // half of them have their home where they must wait
	}
	out, err := schedRun.Map(ctx, l, in)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range p.order() {
		if s != in[i].Name || out[i] != (schedAt{l.Worker(), l.PID()}) {
			t.Errorf("%s ran as number %d at %+v", s, i, out[i])
		}
	}
	for range 20 {
		if at := shared.end(shared.start("y")); at[0].Worker == l.Worker() {
			t.Error("a shared call ran on the leased worker")
		}
	}
	for range 2 {
		if err := l.Release(); err != nil {
			t.Error(err)
		}
	}
	shared.end(all...)
	if _, err := square.Call(ctx, l, 2); !errors.Is(err, mp.ErrClosed) {
		t.Errorf("a call after Release: %v", err)
	}
	a, b := shared.hold("a"), shared.hold("b") // both workers are there again
	shared.letGo("a")
	shared.letGo("b")
	if at := shared.end(a, b); at[0].Worker == at[1].Worker {
		t.Error(at)
	}
}

// Leases are granted though calls keep every worker busy, one after the other, and nothing that the worker had is lost.
func TestSchedLeaseUnderLoad(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	var done atomic.Int64
	load := func(f func() error) {
		wg.Go(func() {
			for stop.Err() == nil {
				if err := f(); err != nil {
					t.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	for range 4 {
		load(func() error { _, err := work.Call(ctx, pool, 300, mp.Priority(1)); return err })
	}
	load(func() error {
		_, err := work.Map(ctx, pool, slices.Repeat([]int{100}, 300), mp.ChunkSize(100))
		return err
	})
	load(func() error { _, err := work.Call(ctx, pool, 300, mp.Key("k")); return err })
	var holders sync.WaitGroup
	for range 3 {
		holders.Go(func() {
			for range 10 {
				l, err := pool.Lease(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				out, err := current.Call(ctx, l, struct{}{})
				if err != nil || out.PID != l.PID() || out.Worker != l.Worker() {
					t.Errorf("on the lease of worker %d, %d: %+v, %v", l.Worker(), l.PID(), out, err)
				}
				_ = l.Release()
			}
		})
	}
	holders.Wait()
	before := done.Load()
	eventually(t, "the load goes on", func() bool { return done.Load() > before+3 })
	cancel()
	wg.Wait()
}

// The leased worker is killed: what ran fails with how it ended, all else and all later calls with ErrLeaseLost, and the pool has
// a successor.
func TestSchedLeaseKill(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 1})
	for range 5 {
		l := schedLease(t, pool)
		p, shared := newSchedPlay(t, l), newSchedPlay(t, pool)
		a := p.hold("a", mp.Retries(3))
		rest := []*mp.Future[schedAt]{p.start("b"), p.start("c"), p.start("d")}
		waiting := shared.start("waiting")
		if err := syscall.Kill(l.PID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_, err := a.Wait(ctx)
		if we, ok := errors.AsType[*mp.WorkerError](err); !ok || we.PID != l.PID() || errors.Is(err, mp.ErrLeaseLost) {
			t.Errorf("what ran: %v", err)
		}
		late := p.start("e")
		_, errMap := square.Map(ctx, l, []int{1})
		for _, err := range []error{errMap, errOf(rest[0]), errOf(rest[1]), errOf(rest[2]), errOf(late)} {
			if we, ok := errors.AsType[*mp.WorkerError](err); !errors.Is(err, mp.ErrLeaseLost) || !ok || we.Signal != syscall.SIGKILL {
				t.Errorf("a lost lease: %v", err)
			}
		}
		p.expect("a")
		if at := shared.end(waiting)[0]; at.PID == l.PID() || at.Worker != l.Worker() {
			t.Errorf("the successor: %+v", at)
		}
		_ = l.Release()
	}
}

func errOf(f *mp.Future[schedAt]) error {
	_, err := f.Wait(ctx)
	return err
}

// The only worker is leased: calls wait, Lease heeds its context, and all goes on with Release: first what the lease still had.
func TestSchedLeaseOfTheLast(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 1})
	l := schedLease(t, pool)
	p := newSchedPlay(t, l)
	shared := &schedPlay{t, pool, p.dir}
	s := shared.start("shared")
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := pool.Lease(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Lease: %v", err)
	}
	if _, err := square.Call(short, pool, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Call: %v", err)
	}
	a := p.hold("a")
	rest := []*mp.Future[schedAt]{p.start("b"), p.start("c"), p.start("d")}
	_ = l.Release()
	p.letGo("a")
	p.end(append(rest, a, s)...)
	p.expect("a b c d shared")
}

// A pool that ends heeds no lease, and who waits for one is told.
func TestSchedLeaseOfPoolThatEnds(t *testing.T) {
	for _, end := range []func(*mp.Pool) error{(*mp.Pool).Close, (*mp.Pool).Kill} {
		noLeaks(t)
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		l, err := pool.Lease(ctx)
		if err != nil {
			t.Fatal(err)
		}
		waits := make(chan error)
		go func() {
			_, err := pool.Lease(ctx)
			waits <- err
		}()
		if _, err := square.Call(ctx, l, 3); err != nil {
			t.Error(err)
		}
		if err := end(pool); err != nil {
			t.Error(err)
		}
		if err := <-waits; !errors.Is(err, mp.ErrClosed) {
			t.Errorf("who waited: %v", err)
		}
		if _, err := square.Call(ctx, l, 3); !errors.Is(err, mp.ErrClosed) {
			t.Errorf("a call on the lease: %v", err)
		}
		if err := l.Release(); err != nil {
			t.Error(err)
		}
	}
}

// Leases of goroutines are as those of processes.
func TestSchedLeaseInProcess(t *testing.T) {
	x, ok := mp.InProcess(2).(interface {
		Lease(context.Context) (*mp.Lease, error)
	})
	if !ok {
		t.Fatal("no leases")
	}
	l, err := x.Lease(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := square.Call(ctx, l, 5); v != 25 || err != nil {
		t.Error(v, err)
	}
	_ = l.Release()
}

// A leased worker is its holder's until he releases it, whatever the pool wants of it.
func TestSchedLeaseIsKept(t *testing.T) {
	for what, c := range map[string]mp.PoolConfig{
		"MaxTasks": {Workers: 2, MaxTasks: 3},
		"MaxAge":   {Workers: 2, MaxAge: 10 * time.Millisecond},
		"idle":     {Workers: 2, MinWorkers: 1, IdleTimeout: 5 * time.Millisecond},
		"Resize":   {Workers: 2},
	} {
		t.Run(what, func(t *testing.T) {
			noLeaks(t)
			pool := newPool(t, c)
			one := schedLease(t, pool)
			two := schedLease(t, pool)
			resized := make(chan error, 1)
			if resized <- nil; what == "Resize" {
				<-resized
				go func() { resized <- pool.Resize(ctx, 1) }()
			}
			for range 20 {
				for _, l := range []*mp.Lease{one, two} {
					if at, err := current.Call(ctx, l, struct{}{}); err != nil || at.PID != l.PID() {
						t.Fatalf("%+v, %v", at, err)
					}
				}
				if _, err := work.Call(ctx, one, 2000); err != nil {
					t.Fatal(err)
				}
			}
			_, _ = one.Release(), two.Release()
			if err := <-resized; err != nil {
				t.Error(err)
			}
			mustMap(t, square, pool, []int{1, 2, 3, 4, 5, 6, 7, 8})
			for _, l := range []*mp.Lease{one, two} { // what was put off is done now
				eventually(t, "the worker is replaced", func() bool {
					if _, err := square.Call(ctx, pool, 1); err != nil {
						t.Fatal(err)
					}
					gone := true
					for _, w := range pool.Workers() {
						gone = gone && w.PID != l.PID()
					}
					return gone || what == "idle" || (what == "Resize" && l.Worker() == 0)
				})
			}
		})
	}
}

// A lease gets a worker also where all were ended for want of work.
func TestSchedLeaseOfIdlePool(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2, IdleTimeout: 2 * time.Millisecond})
	for range 5 {
		eventually(t, "no worker is left", func() bool {
			for _, w := range pool.Workers() {
				if w.PID != 0 {
					return false
				}
			}
			return true
		})
		one, two := schedLease(t, pool), schedLease(t, pool)
		if one.PID() == two.PID() {
			t.Error("two have one worker")
		}
		_, _ = one.Release(), two.Release()
	}
}
