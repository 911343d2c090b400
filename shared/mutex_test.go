package shared_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

type counting struct {
	Mutex *shared.Mutex
	Sums  *shared.Array[int64]
	Times int
}

// count adds to numbers that a mutex guards, in each way to lock it.
var count = mp.Func("count", func(ctx context.Context, c counting) (int, error) {
	sums, locker := c.Sums.Slice(), c.Mutex.Locker()
	add := func() error {
		for i := range sums {
			sums[i]++
		}
		return nil
	}
	for i := range c.Times {
		switch i % 3 {
		case 0:
			if err := c.Mutex.Lock(ctx); err != nil {
				return 0, err
			}
			_ = add()
			if err := c.Mutex.Unlock(); err != nil {
				return 0, err
			}
		case 1:
			if err := c.Mutex.Do(ctx, add); err != nil {
				return 0, err
			}
		default:
			locker.Lock()
			_ = add()
			locker.Unlock()
		}
	}
	return c.Times, nil
})

// T042: scoped use locks and unlocks, and one at a time is in it.
func TestMutexExcludes(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		c := counting{fresh(shared.NewMutex())(t), fresh(shared.NewArray[int64](3))(t), 3000}
		everywhere(t, where, count, c, c, c, c)
		for i, sum := range c.Sums.Slice() {
			if sum != 4*3000 {
				t.Errorf("sum %d is %d", i, sum)
			}
		}
		if c.Mutex.Locked() {
			t.Errorf("still held: %v", c.Mutex)
		}
	})
}

// T046: it tells who has it.
func TestMutexNamesItsOwner(t *testing.T) {
	noLeaks(t)
	m := fresh(shared.NewMutex())(t)
	looks := func(want string, locked bool) {
		t.Helper()
		var n int
		var rest string
		if _, err := fmt.Sscanf(m.String(), "Mutex#%d", &n); err != nil {
			t.Errorf("%v: %v", m, err)
		}
		if rest = m.String()[len(fmt.Sprintf("Mutex#%d", n)):]; rest != want || m.Locked() != locked {
			t.Errorf("%q, locked %v; want %q, %v", rest, m.Locked(), want, locked)
		}
	}
	looks("(free)", false)
	ok(t, m.Lock(ctx))
	looks(fmt.Sprintf("(held by process %d, this one)", os.Getpid()), true)
	ok(t, m.Unlock())
	other := holding(t, held{Mutex: m, How: "mutex"})
	looks(fmt.Sprintf("(held by process %d)", other.PID()), true)
	other.release()
	looks("(free)", false)
	other = holding(t, held{Mutex: m, How: "mutex"})
	other.die()
	eventually(t, "its death is known", func() bool { return !m.Locked() })
	looks("(its last owner died)", false)
}

// H23: any goroutine of the owner may unlock, another process may not.
func TestMutexBelongsToTheProcess(t *testing.T) {
	noLeaks(t)
	m := fresh(shared.NewMutex())(t)
	wants(t, "unlock of a free mutex", m.Unlock(), shared.ErrNotOwner)
	ok(t, m.Lock(ctx))
	errs := make(chan error)
	go func() { errs <- m.Unlock() }()
	ok(t, <-errs)
	other := holding(t, held{Mutex: m, How: "mutex"})
	wants(t, "unlock of another's mutex", m.Unlock(), shared.ErrNotOwner)
	if taken, err := m.TryLock(); taken || err != nil {
		t.Errorf("TryLock of another's mutex: %v, %v", taken, err)
	}
	other.release()
	if taken, err := m.TryLock(); !taken || err != nil {
		t.Errorf("TryLock of a free mutex: %v, %v", taken, err)
	}
	if taken, err := m.TryLock(); taken || err != nil {
		t.Errorf("TryLock of the own mutex: %v, %v", taken, err)
	}
	ok(t, m.Unlock())
	panicked, _ := panics(m.Locker().Unlock).(error)
	wants(t, "unlock by the Locker", panicked, shared.ErrNotOwner)
}

// W04: the lock of a process that died is told to the next owner, who has it then; to that one only.
func TestMutexOfTheDead(t *testing.T) {
	for how, lock := range map[string]func(m *shared.Mutex) error{
		"Lock": func(m *shared.Mutex) error { return m.Lock(ctx) },
		"TryLock": func(m *shared.Mutex) error {
			for {
				if taken, err := m.TryLock(); taken || err != nil {
					return err
				}
			}
		},
	} {
		t.Run(how, func(t *testing.T) {
			noLeaks(t)
			m := fresh(shared.NewMutex())(t)
			other := holding(t, held{Mutex: m, How: "mutex"})
			ok(t, other.Kill()) // and nobody waits for its end
			wants(t, how, lock(m), shared.ErrOwnerDied)
			if !m.Locked() {
				t.Errorf("told, and not held: %v", m)
			}
			ok(t, m.Unlock())
			ok(t, lock(m))
			ok(t, m.Unlock())
		})
	}
}

// Who does not look at the state does not get the lock: Do and Locker leave it to Lock.
func TestMutexOfTheDeadUnrepaired(t *testing.T) {
	noLeaks(t)
	m := fresh(shared.NewMutex())(t)
	holding(t, held{Mutex: m, How: "mutex"}).die()
	for range 2 {
		wants(t, "Do", m.Do(ctx, func() error { t.Error("Do called its function"); return nil }), shared.ErrOwnerDied)
		panicked, _ := panics(m.Locker().Lock).(error)
		wants(t, "Locker", panicked, shared.ErrOwnerDied)
		if m.Locked() {
			t.Error("refused, and held")
		}
	}
	wants(t, "Lock", m.Lock(ctx), shared.ErrOwnerDied)
	ok(t, m.Unlock())
	ok(t, m.Do(ctx, func() error { return nil }))
}

// T042: Do gives the mutex back however its function ends.
func TestMutexDo(t *testing.T) {
	noLeaks(t)
	m := fresh(shared.NewMutex())(t)
	own := errors.New("own")
	wants(t, "Do", m.Do(ctx, func() error {
		if !m.Locked() {
			t.Error("it is not held in Do")
		}
		return own
	}), own)
	if v := panics(func() { _ = m.Do(ctx, func() error { panic("own") }) }); v != "own" {
		t.Errorf("the panic became %v", v)
	}
	wants(t, "Do that unlocks", m.Do(ctx, m.Unlock), shared.ErrNotOwner)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = m.Do(ctx, func() error { runtime.Goexit(); return nil })
	}()
	<-gone
	if m.Locked() {
		t.Errorf("still held: %v", m)
	}
}
