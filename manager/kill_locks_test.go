//go:build linux

package manager_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/shared"
)

// An errand is what another process does with locks until it is killed.
type errand struct {
	Locks locks
	What  string
	Done  *manager.Event // set when it has what it was to take, and works
}

// errands take something; those that wait for it until they are killed say nothing.
var errands = map[string]func(ctx context.Context, l locks) error{
	"holds the mutex":   func(ctx context.Context, l locks) error { return l.Mutex.Lock(ctx) },
	"holds and unlocks": func(ctx context.Context, l locks) error { return l.Mutex.Do(ctx, func() error { return nil }) },
	"writes":            func(ctx context.Context, l locks) error { return l.RWMutex.Lock(ctx) },
	"reads": func(ctx context.Context, l locks) error {
		return errors.Join(l.RWMutex.RLock(ctx), l.RWMutex.RLock(ctx))
	},
	"has permits": func(ctx context.Context, l locks) error {
		return errors.Join(l.Bounded.Acquire(ctx), l.Bounded.Acquire(ctx))
	},
	"has plain permits": func(ctx context.Context, l locks) error {
		return errors.Join(l.Semaphore.Acquire(ctx), l.Semaphore.Acquire(ctx))
	},
	"waits for a wake-up": func(ctx context.Context, l locks) error { return errors.Join(l.Mutex.Lock(ctx), l.Cond.Wait(ctx)) },
	"meets":               func(ctx context.Context, l locks) error { _, err := l.Barrier.Wait(ctx); return err },
	"sets the event":      func(ctx context.Context, l locks) error { return l.Event.Set(ctx) },
	"waits for the event": func(ctx context.Context, l locks) error { return l.Event.Wait(ctx) },
}

var runErrand = mp.Func("manager_test.runErrand", func(ctx context.Context, e errand) (int, error) {
	if err := errors.Join(errands[e.What](ctx, e.Locks), e.Done.Set(ctx)); err != nil {
		return 0, err
	}
	select {}
})

// A scene is a server, one lock of each kind, and other processes.
type scene struct {
	*testing.T
	m *manager.Manager
	l locks
}

// onServers runs a test with a server in a process of its own, and with one in this process.
func onServers(t *testing.T, test func(s scene)) {
	t.Helper()
	for name, server := range map[string]func(*testing.T) *manager.Manager{"process": start, "here": inProcess} {
		t.Run(name, func(t *testing.T) {
			m := server(t)
			test(scene{t, m, newLocks(m)})
		})
	}
}

func (s scene) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s scene) wants(what string, err, target error) {
	s.Helper()
	if !errors.Is(err, target) {
		s.Errorf("%s: %v, not %v", what, err, target)
	}
}

// waits is how many calls wait in the server.
func (s scene) waits(n int) {
	s.Helper()
	eventually(s.T, fmt.Sprint(n, " wait"), func() bool { return must(s.m.Stats(ctx)).Waiting == n })
}

// async begins a call that waits in the server, and returns where its error comes.
func (s scene) async(call func() error) <-chan error {
	s.Helper()
	before := must(s.m.Stats(ctx)).Waiting
	errs := make(chan error, 1)
	go func() { errs <- call() }()
	s.waits(before + 1)
	return errs
}

// works returns when another process has done an errand, and goes on.
func (s scene) works(what string) *mp.Process[int] {
	s.Helper()
	done := must(manager.NewEvent(s.m))
	p := s.goes(what, done)
	s.ok(done.Wait(ctx))
	return p
}

// stuck returns when another process waits in an errand.
func (s scene) stuck(what string) *mp.Process[int] {
	s.Helper()
	before := must(s.m.Stats(ctx)).Waiting
	p := s.goes(what, must(manager.NewEvent(s.m)))
	s.waits(before + 1)
	return p
}

func (s scene) goes(what string, done *manager.Event) *mp.Process[int] {
	s.Helper()
	p, err := runErrand.Start(ctx, errand{s.l, what, done})
	s.ok(err)
	s.Cleanup(func() { _ = p.Close() })
	return p
}

// kill kills a process, and returns when the server knows.
func (s scene) kill(p *mp.Process[int]) {
	s.Helper()
	before := must(s.m.Stats(ctx)).Clients
	s.ok(p.Kill())
	eventually(s.T, "its session has ended", func() bool { return must(s.m.Stats(ctx)).Clients < before })
}

// W34, H25: the mutex of a process that is killed is told to the next owner, who waits or comes later; one that waits for it leaves
// nothing behind.
func TestKilledWithMutex(t *testing.T) {
	onServers(t, func(s scene) {
		mu := s.l.Mutex
		s.kill(s.works("holds and unlocks"))
		s.ok(mu.Lock(ctx))
		waiter := s.stuck("holds the mutex")
		s.kill(waiter)
		s.waits(0)
		s.ok(mu.Unlock(ctx))

		holder := s.works("holds the mutex")
		s.wants("another's unlock", mu.Unlock(ctx), shared.ErrNotOwner)
		waits := s.async(func() error { return mu.Lock(ctx) })
		s.kill(holder)
		s.wants("who waited", <-waits, shared.ErrOwnerDied)
		s.ok(mu.Unlock(ctx))

		s.kill(s.works("holds the mutex"))
		s.wants("Do", mu.Do(ctx, func() error { return nil }), shared.ErrOwnerDied)
		s.wants("who comes later", mu.Lock(ctx), shared.ErrOwnerDied)
		s.ok(mu.Unlock(ctx))
		s.ok(mu.Lock(ctx))
	})
}

func TestKilledWithRWMutex(t *testing.T) {
	onServers(t, func(s scene) {
		rw := s.l.RWMutex
		reader := s.works("reads")
		s.ok(rw.RLock(ctx))
		writer := s.async(func() error { return rw.Lock(ctx) })
		s.kill(reader)
		s.ok(rw.RUnlock(ctx))
		s.ok(<-writer)
		s.kill(s.stuck("reads"))
		s.waits(0)
		s.ok(rw.Unlock(ctx))

		s.kill(s.works("writes"))
		s.wants("a reader", rw.RLock(ctx), shared.ErrOwnerDied)
		s.ok(rw.RUnlock(ctx))
		s.wants("a writer", rw.Lock(ctx), shared.ErrOwnerDied)
		s.ok(rw.Unlock(ctx))
		s.ok(rw.RLock(ctx))
	})
}

func TestKilledWithPermits(t *testing.T) {
	onServers(t, func(s scene) {
		for sem, what := range map[*manager.Semaphore]string{s.l.Bounded: "has permits", s.l.Semaphore: "has plain permits"} {
			p := s.works(what)
			if n := must(sem.Value(ctx)); n != 0 {
				s.Errorf("%s: %d are free", what, n)
			}
			s.kill(s.stuck(what))
			s.waits(0)
			waits := s.async(func() error { return sem.Acquire(ctx) })
			s.kill(p)
			if sem == s.l.Semaphore { // what it had is gone
				s.ok(sem.Release(ctx))
			}
			s.ok(<-waits)
			if n, want := must(sem.Value(ctx)), map[*manager.Semaphore]int{s.l.Bounded: 1}[sem]; n != want {
				s.Errorf("%s: %d are free, not %d", what, n, want)
			}
		}
	})
}

func TestKilledInWait(t *testing.T) {
	onServers(t, func(s scene) {
		mu, cond := s.l.Mutex, s.l.Cond
		asleep := s.stuck("waits for a wake-up")
		woken := s.stuck("waits for a wake-up")
		s.ok(mu.Lock(ctx))
		waits := s.async(func() error { return cond.Wait(ctx) })
		s.kill(asleep)
		s.ok(mu.Lock(ctx))
		s.ok(cond.Signal(ctx, 1)) // for the second, which waits for the mutex now
		s.kill(woken)
		s.ok(mu.Unlock(ctx))
		s.ok(<-waits)
		s.waits(0)

		// One that is killed when it has the mutex again has had its wake-up.
		waits = s.async(func() error { return cond.Wait(ctx) })
		last := s.stuck("waits for a wake-up")
		s.ok(cond.Signal(ctx, 1))
		s.ok(<-waits)
		s.ok(cond.Broadcast(ctx))
		s.ok(mu.Unlock(ctx))
		eventually(s.T, "it has the mutex", func() bool { return must(s.m.Stats(ctx)).Waiting == 0 })
		s.kill(last)
		s.wants("the next", mu.Lock(ctx), shared.ErrOwnerDied)
	})
}

func TestKilledAtBarrier(t *testing.T) {
	onServers(t, func(s scene) {
		b := s.l.Barrier
		waits := s.stuck("meets")
		s.kill(waits)
		_, err := b.Wait(ctx)
		s.wants("after one that waited", err, shared.ErrBroken)
		s.ok(b.Reset(ctx))

		party := s.stuck("meets")
		_, err = b.Wait(ctx)
		s.ok(err)
		broken := s.async(func() error { _, err := b.Wait(ctx); return err })
		s.kill(party) // between two rounds
		s.wants("who waits for the next round", <-broken, shared.ErrBroken)
		s.ok(b.Reset(ctx))
		s.kill(s.works("holds and unlocks")) // which was none
		if must(b.Broken(ctx)) {
			s.Error("it is broken")
		}
	})
}

func TestKilledWithEvent(t *testing.T) {
	onServers(t, func(s scene) {
		s.kill(s.stuck("waits for the event"))
		s.waits(0)
		s.kill(s.works("sets the event"))
		s.ok(s.l.Event.Wait(ctx))
	})
}

// A worker is a party of a barrier as long as its function runs: what happens to it later breaks nothing.
func TestBarrierOfAPool(t *testing.T) {
	onServers(t, func(s scene) {
		pool := must(mp.NewPool(mp.PoolConfig{Workers: 1}))
		met := make(chan error)
		go func() { _, err := s.l.Barrier.Wait(ctx); met <- err }()
		must(useLocks.Call(ctx, pool, s.l))
		s.ok(<-met)
		s.ok(pool.Kill())
		eventually(s.T, "its session has ended", func() bool { return must(s.m.Stats(ctx)).Clients == 1 })
		if must(s.l.Barrier.Broken(ctx)) {
			s.Error("it is broken")
		}
	})
}
