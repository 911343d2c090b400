package shared_test

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// churn makes arrays and frees them, some at a time, and looks whether anybody else writes to them.
var churn = mp.Func("churn", func(_ context.Context, seed uint64) (string, error) {
	rng := rand.New(rand.NewPCG(seed, 0))
	type block struct {
		a    *shared.Array[byte]
		mark byte
	}
	var live []block
	drop := func(i int) string {
		b := live[i]
		live = slices.Delete(live, i, i+1)
		if slices.ContainsFunc(b.a.Slice(), func(x byte) bool { return x != b.mark }) {
			return "somebody else wrote to a block"
		}
		if err := b.a.Free(); err != nil {
			return err.Error()
		}
		return ""
	}
	for range 5000 {
		size := int(rng.ExpFloat64() * 3000)
		a, err := shared.NewArray[byte](size)
		if err != nil {
			return "", err
		}
		if a.Len() != size || slices.ContainsFunc(a.Slice(), func(x byte) bool { return x != 0 }) {
			return "a new block is not zero", nil
		}
		b := block{a, byte(rng.IntN(255) + 1)}
		for i := range a.Slice() {
			a.Slice()[i] = b.mark
		}
		if live = append(live, b); len(live) > 50 {
			if complaint := drop(rng.IntN(len(live))); complaint != "" {
				return complaint, nil
			}
		}
	}
	for len(live) > 0 {
		if complaint := drop(0); complaint != "" {
			return complaint, nil
		}
	}
	return "", nil
})

// T083, T239, H24: blocks do not overlap, are zero when they are made, and when all are freed, as much is used as before, and as many
// were freed as were made. By one process, and by several at once.
func TestHeap(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		before, err := shared.Stats()
		ok(t, err)
		for _, complaint := range everywhere(t, where, churn, seed, seed+1, seed+2) {
			if complaint != "" {
				t.Error(complaint)
			}
		}
		after, err := shared.Stats()
		ok(t, err)
		if after.Used != before.Used || after.Objects != before.Objects || after.Allocs-before.Allocs != after.Frees-before.Frees ||
			after.Allocs-before.Allocs < 3*5000 {
			t.Errorf("before %+v, after %+v", before, after)
		}
	})
}

// Large blocks go back to the system, and come again as zero.
func TestHeapLargeBlocks(t *testing.T) {
	noLeaks(t)
	for i := range 6 {
		a := fresh(shared.NewArray[uint64](4 << 20))(t)
		for k := 0; k < a.Len(); k += 512 {
			if a.At(k) != 0 {
				t.Fatalf("round %d: not zero at %d", i, k)
			}
			a.Set(k, uint64(i+1))
		}
		ok(t, a.Free())
	}
}

var makeAndLeave = mp.Func("makeAndLeave", func(_ context.Context, n int) (*shared.Array[int], error) {
	a, err := shared.NewArray[int](n)
	if err == nil {
		a.Slice()[n-1] = n
	}
	return a, err
})

// T237, H24: what a process made lives as long as the family, and others free it.
func TestObjectsOutliveTheirMaker(t *testing.T) {
	noLeaks(t)
	p := start(t, makeAndLeave, 1000)
	a := resultOf(t, p)
	<-p.Done()
	if a.Len() != 1000 || a.At(999) != 1000 {
		t.Error(a)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	freed := 0
	for range 8 { // one of those who free it does
		wg.Go(func() {
			err := a.Free()
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				freed++
				return
			}
			wants(t, "a second Free", err, shared.ErrClosed)
		})
	}
	if wg.Wait(); freed != 1 {
		t.Errorf("it was freed %d times", freed)
	}
}

// T211, T225, T233, W21, W36: what is made has no name anywhere, so there is nothing to leave behind, or to clean up.
func TestObjectsHaveNoNames(t *testing.T) {
	noLeaks(t)
	names := func() (list []string) {
		for _, dir := range []string{"/dev/shm", os.TempDir()} {
			entries, err := os.ReadDir(dir)
			ok(t, err)
			for _, e := range entries {
				if strings.Contains(e.Name(), "mp-") && !strings.HasPrefix(e.Name(), "sem.mp-") { // those are Python's
					list = append(list, e.Name())
				}
			}
		}
		return list
	}
	before := names()
	a := fresh(shared.NewArray[byte](10 << 20))(t)
	a.Set(a.Len()-1, 1)
	fresh(shared.NewSemaphore(1))(t)
	fresh(shared.NewQueue[int](shared.QueueConfig{}))(t)
	ok(t, resultOf(t, start(t, makeAndLeave, 1000)).Free())
	if after := names(); !slices.Equal(before, after) {
		t.Errorf("before %v, after %v", before, after)
	}
}
