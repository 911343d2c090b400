package shared_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

type reading struct {
	Lock    *shared.RWMutex
	Numbers *shared.Array[int64] // all the same, but while somebody writes
	Times   int
	Inside  *shared.Barrier
}

var (
	errTorn = errors.New("a reader saw a writer's work half done")

	// writeAll writes, and reads in between.
	writeAll = mp.Func("writeAll", func(ctx context.Context, r reading) (int, error) {
		numbers := r.Numbers.Slice()
		for i := range r.Times {
			if i%4 == 0 {
				if err := r.Lock.Lock(ctx); err != nil {
					return 0, err
				}
				for k := range numbers {
					numbers[k]++
				}
				if err := r.Lock.Unlock(); err != nil {
					return 0, err
				}
				continue
			}
			if err := r.Lock.RLock(ctx); err != nil {
				return 0, err
			}
			torn := numbers[0] != numbers[len(numbers)-1]
			if err := r.Lock.RUnlock(); err != nil {
				return 0, err
			}
			if torn {
				return 0, errTorn
			}
		}
		return r.Times, nil
	})

	// meet waits for others while it reads.
	meet = mp.Func("meet", func(ctx context.Context, r reading) (int, error) {
		if err := r.Lock.RLock(ctx); err != nil {
			return 0, err
		}
		n, err := r.Inside.Wait(ctx)
		return n, errors.Join(err, r.Lock.RUnlock())
	})
)

func TestRWMutexExcludes(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		r := reading{Lock: fresh(shared.NewRWMutex())(t), Numbers: fresh(shared.NewArray[int64](100))(t), Times: 2000}
		everywhere(t, where, writeAll, r, r, r, r)
		if r.Numbers.At(99) != 4*500 {
			t.Errorf("%d", r.Numbers.At(99))
		}
		if !strings.HasSuffix(r.Lock.String(), "(free)") {
			t.Error(r.Lock)
		}
	})
}

// Readers are inside together: else they would not meet there.
func TestRWMutexReadersTogether(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		r := reading{Lock: fresh(shared.NewRWMutex())(t), Inside: fresh(shared.NewBarrier(4))(t)}
		everywhere(t, where, meet, r, r, r, r)
	})
}

// It belongs to processes, and names them.
func TestRWMutexOwners(t *testing.T) {
	noLeaks(t)
	m := fresh(shared.NewRWMutex())(t)
	try := func(what string, take func() (bool, error), want bool) {
		t.Helper()
		if taken, err := take(); taken != want || err != nil {
			t.Errorf("%s: %v, %v; %v", what, taken, err, m)
		}
	}
	looks := func(want string) {
		t.Helper()
		if !strings.HasSuffix(m.String(), want) {
			t.Errorf("%v, want %s", m, want)
		}
	}
	wants(t, "Unlock of a free one", m.Unlock(), shared.ErrNotOwner)
	wants(t, "RUnlock of a free one", m.RUnlock(), shared.ErrNotOwner)

	other := holding(t, held{RWMutex: m, How: "read"})
	looks(fmt.Sprintf("(read by process %d)", other.PID()))
	wants(t, "RUnlock of what another reads", m.RUnlock(), shared.ErrNotOwner)
	try("TryLock beside a reader", m.TryLock, false)
	try("TryRLock beside a reader", m.TryRLock, true)
	wants(t, "Unlock by a reader", m.Unlock(), shared.ErrNotOwner)
	if s := m.String(); !strings.Contains(s, fmt.Sprintf("process %d, this one", os.Getpid())) || !strings.Contains(s, fmt.Sprint(other.PID())) {
		t.Errorf("two readers: %s", s)
	}
	other.release()
	ok(t, m.RUnlock())

	other = holding(t, held{RWMutex: m, How: "write"})
	looks(fmt.Sprintf("(written to by process %d)", other.PID()))
	try("TryLock beside a writer", m.TryLock, false)
	try("TryRLock beside a writer", m.TryRLock, false)
	wants(t, "Unlock of what another writes", m.Unlock(), shared.ErrNotOwner)
	other.release()
	try("TryLock of a free one", m.TryLock, true)
	wants(t, "RUnlock by a writer", m.RUnlock(), shared.ErrNotOwner)
	ok(t, m.Unlock())
	looks("(free)")
}

// W04: what readers had comes back by itself; of a dead writer every reader hears until a writer did.
func TestRWMutexOfTheDead(t *testing.T) {
	noLeaks(t)
	m := fresh(shared.NewRWMutex())(t)
	ok(t, holding(t, held{RWMutex: m, How: "read", Times: 3}).Kill())
	ok(t, m.Lock(ctx))
	ok(t, m.Unlock())

	ok(t, holding(t, held{RWMutex: m, How: "write"}).Kill())
	wants(t, "the first reader", m.RLock(ctx), shared.ErrOwnerDied)
	taken, err := m.TryRLock()
	wants(t, "another reader", err, shared.ErrOwnerDied)
	if !taken {
		t.Error("told, and not held")
	}
	ok(t, m.RUnlock())
	ok(t, m.RUnlock())
	if !strings.HasSuffix(m.String(), "(its last writer died)") {
		t.Error(m)
	}
	wants(t, "a writer", m.Lock(ctx), shared.ErrOwnerDied)
	ok(t, m.Unlock())
	ok(t, m.RLock(ctx))
	ok(t, m.RUnlock())
}

// A writer that gives up lets those in that it kept out.
func TestRWMutexWriterGivesUp(t *testing.T) {
	noLeaks(t)
	m := fresh(shared.NewRWMutex())(t)
	other := holding(t, held{RWMutex: m, How: "read"})
	limited, cancel := context.WithTimeout(ctx, short)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { wants(t, "the writer", m.Lock(limited), context.DeadlineExceeded) })
	for {
		taken, err := m.TryRLock()
		ok(t, err)
		if !taken {
			break // the writer waits
		}
		ok(t, m.RUnlock())
		if limited.Err() != nil {
			break // it never got that far
		}
	}
	ok(t, m.RLock(ctx)) // for which the other reader need not leave
	ok(t, m.RUnlock())
	wg.Wait()
	other.release()
}
