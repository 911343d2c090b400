package manager_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/shared"
)

// locks are one of each.
type locks struct {
	Mutex     *manager.Mutex
	RWMutex   *manager.RWMutex
	Semaphore *manager.Semaphore
	Bounded   *manager.Semaphore
	Event     *manager.Event
	Cond      *manager.Cond
	Barrier   *manager.Barrier
}

func newLocks(m *manager.Manager) locks {
	mu := must(manager.NewMutex(m))
	return locks{
		mu, must(manager.NewRWMutex(m)), must(manager.NewSemaphore(m, 2)), must(manager.NewBoundedSemaphore(m, 2)), must(manager.NewEvent(m)),
		must(manager.NewCond(m, mu)), must(manager.NewBarrier(m, 2)),
	}
}

// use calls each, and leaves all as they were.
func (l locks) use(ctx context.Context) error {
	_, barrier := l.Barrier.Parties(ctx)
	return errors.Join(
		l.Mutex.Lock(ctx), l.Cond.WaitFor(ctx, func() bool { return true }), l.Mutex.Unlock(ctx),
		l.RWMutex.Lock(ctx), l.RWMutex.Unlock(ctx), l.RWMutex.RLock(ctx), l.RWMutex.RUnlock(ctx),
		l.Semaphore.Acquire(ctx), l.Semaphore.Release(ctx), l.Bounded.Acquire(ctx), l.Bounded.Release(ctx),
		l.Event.Set(ctx), l.Event.Wait(ctx), l.Event.Clear(ctx),
		l.Cond.Signal(ctx, 1), barrier,
	)
}

// useLocks uses those of an argument, which waits at the barrier as well, and returns them.
var useLocks = mp.Func("manager_test.useLocks", func(ctx context.Context, l locks) (locks, error) {
	_, err := l.Barrier.Wait(ctx)
	return l, errors.Join(err, l.use(ctx))
})

// They travel in objects, in arguments and in results, and are the same objects there.
func TestLocksTravel(t *testing.T) {
	m := inProcess(t)
	l := newLocks(m)
	d := must(manager.NewDict[string, locks](m))
	if err := errors.Join(d.Set(ctx, "locks", l), l.Mutex.Lock(ctx)); err != nil {
		t.Fatal(err)
	}
	kept := must(d.Get(ctx, "locks"))
	if taken := must(kept.Mutex.TryLock(ctx)); taken {
		t.Error("it is another one")
	}
	if err := errors.Join(kept.Mutex.Unlock(ctx), kept.use(ctx)); err != nil {
		t.Error(err)
	}
	p := must(useLocks.Start(ctx, kept))
	defer p.Close()
	if _, err := l.Barrier.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	back := must(p.Wait(ctx))
	if err := back.use(ctx); err != nil {
		t.Error(err)
	}
	if a, b := l.Cond.String(), back.Cond.String(); a != b || !strings.HasPrefix(a, "Cond#") {
		t.Error(a, b)
	}
}

// Zero proxies, and those of elsewhere, are errors in each call.
func TestLocksThatAreNone(t *testing.T) {
	none := locks{
		new(manager.Mutex), new(manager.RWMutex), new(manager.Semaphore), new(manager.Semaphore), new(manager.Event),
		new(manager.Cond), new(manager.Barrier),
	}
	if err := none.use(ctx); err == nil || strings.Count(err.Error(), "a zero proxy") != 16 {
		t.Error(err)
	}
	wire := must(newLocks(inProcess(t)).Mutex.MarshalBinary())
	wire[5]++ // another server
	wire = wire[:34]
	if err := none.Mutex.UnmarshalBinary(wire); err != nil {
		t.Fatal(err)
	}
	clear(wire)
	if err := none.Mutex.Lock(ctx); !errors.Is(err, shared.ErrDetached) {
		t.Error(err)
	}
	if s := none.Mutex.String(); s != "Mutex(detached)" {
		t.Error(s)
	}
	if err := none.Event.UnmarshalBinary(must(none.Mutex.MarshalBinary())); err == nil {
		t.Error("a mutex became an event")
	}
}

// An object lives as long as a call of it, though nobody has its proxy any more.
func TestCallKeepsItsObject(t *testing.T) {
	m := inProcess(t)
	limited, cancel := context.WithCancel(ctx)
	waits := make(chan error)
	go func() { waits <- must(manager.NewEvent(m)).Wait(limited) }()
	eventually(t, "it waits", func() bool { return must(m.Stats(ctx)).Waiting == 1 })
	for range 3 {
		runtime.GC()
	}
	if s := must(m.Stats(ctx)); s.Objects != 1 || s.ByKind["Event"] != 1 {
		t.Errorf("%+v", s)
	}
	cancel()
	if err := <-waits; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	eventually(t, "it is gone", func() bool { runtime.GC(); return must(m.Stats(ctx)).Objects == 0 })
}
