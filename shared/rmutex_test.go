package shared_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

type nesting struct {
	Mutex *shared.RMutex
	Sum   *shared.Array[int64]
	Times int
}

// nest adds three levels deep.
var nest = mp.Func("nest", func(ctx context.Context, n nesting) (int, error) {
	var deeper func(ctx context.Context, depth int) error
	deeper = func(ctx context.Context, depth int) error {
		ctx, err := n.Mutex.Lock(ctx)
		if err != nil {
			return err
		}
		n.Sum.Slice()[0]++
		if depth > 1 {
			if err := deeper(ctx, depth-1); err != nil {
				return err
			}
		}
		return n.Mutex.Unlock(ctx)
	}
	for range n.Times {
		if err := deeper(ctx, 3); err != nil {
			return 0, err
		}
	}
	return n.Times, nil
})

// T043: scoped use of the recursive lock.
func TestRMutexExcludes(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		n := nesting{fresh(shared.NewRMutex())(t), fresh(shared.NewArray[int64](1))(t), 1000}
		everywhere(t, where, nest, n, n, n, n)
		if n.Sum.At(0) != 4*3*1000 {
			t.Errorf("%d", n.Sum.At(0))
		}
	})
}

// T041: as many unlocks as locks, and one more is an error. T047: it tells who has it, and how often.
func TestRMutexNests(t *testing.T) {
	noLeaks(t)
	m := fresh(shared.NewRMutex())(t)
	looks := func(want string) {
		t.Helper()
		if !strings.HasSuffix(m.String(), want) || !strings.HasPrefix(m.String(), "RMutex#") {
			t.Errorf("%v, want %q", m, want)
		}
	}
	looks("(free)")
	outer, err := m.Lock(ctx)
	ok(t, err)
	own := fmt.Sprintf("(held by process %d, this one)", os.Getpid())
	looks(own)
	middle, err := m.Lock(outer)
	ok(t, err)
	looks(own + ", 2 deep")
	inner, err := m.Lock(context.WithoutCancel(middle)) // a derived one
	ok(t, err)
	looks(own + ", 3 deep")
	ok(t, m.Unlock(inner))
	looks(own + ", 2 deep")
	ok(t, m.Unlock(outer)) // all of them are of one holder
	if !m.Locked() {
		t.Error("two of three unlocks freed it")
	}
	ok(t, m.Unlock(middle))
	looks("(free)")
	wants(t, "a fourth unlock", m.Unlock(outer), shared.ErrNotOwner)

	again, err := m.Lock(outer) // what outer held is over: this waits as any other
	ok(t, err)
	wants(t, "unlock with a context that held it once", m.Unlock(outer), shared.ErrNotOwner)
	ok(t, m.Unlock(again))
}

// H23: the owner is who has the context, and nobody else of the same process.
func TestRMutexBelongsToItsContext(t *testing.T) {
	noLeaks(t)
	m := fresh(shared.NewRMutex())(t)
	mine, err := m.Lock(ctx)
	ok(t, err)
	wants(t, "unlock without the context", m.Unlock(ctx), shared.ErrNotOwner)
	limited, cancel := context.WithTimeout(ctx, short)
	defer cancel()
	_, err = m.Lock(limited)
	wants(t, "lock without the context", err, context.DeadlineExceeded)
	other := fresh(shared.NewRMutex())(t)
	wants(t, "unlock of another mutex", other.Unlock(mine), shared.ErrNotOwner)
	canceled, stop := context.WithCancel(mine)
	stop()
	_, err = m.Lock(canceled)
	wants(t, "nesting with a context that has ended", err, context.Canceled)
	ok(t, m.Unlock(canceled)) // giving back works always
	wants(t, "unlock, when it is free", m.Unlock(mine), shared.ErrNotOwner)
}

// T045, T047: it is seen to be held in other processes, until the last level is given back.
func TestRMutexBetweenProcesses(t *testing.T) {
	noLeaks(t)
	m := fresh(shared.NewRMutex())(t)
	other := holding(t, held{RMutex: m, How: "rmutex", Times: 3})
	if want := fmt.Sprintf("(held by process %d), 3 deep", other.PID()); !strings.HasSuffix(m.String(), want) || !m.Locked() {
		t.Errorf("%v, want %s", m, want)
	}
	wants(t, "unlock of another's", m.Unlock(ctx), shared.ErrNotOwner)
	other.release()
	if m.Locked() {
		t.Errorf("still held: %v", m)
	}
}

// W04: as with Mutex, however deep its owner was.
func TestRMutexOfTheDead(t *testing.T) {
	noLeaks(t)
	m := fresh(shared.NewRMutex())(t)
	holding(t, held{RMutex: m, How: "rmutex", Times: 2}).die()
	mine, err := m.Lock(ctx)
	wants(t, "lock after a death", err, shared.ErrOwnerDied)
	mine, err = m.Lock(mine)
	ok(t, err)
	ok(t, m.Unlock(mine))
	ok(t, m.Unlock(mine))
	mine, err = m.Lock(ctx)
	ok(t, err)
	ok(t, m.Unlock(mine))
}
