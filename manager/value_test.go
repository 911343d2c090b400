package manager_test

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/go-multiproc/mp/manager"
)

// F214
func TestValue(t *testing.T) {
	m := containerServer(t, 0)
	v := must(manager.NewValue(m, "a"))
	ok(t, v.Store(ctx, "b"))
	if must(v.Load(ctx)) != "b" || must(v.Swap(ctx, "c")) != "b" {
		t.Error("Store, Swap")
	}
	if must(v.CompareAndSwap(ctx, "b", "x")) || !must(v.CompareAndSwap(ctx, "c", "d")) {
		t.Error("CompareAndSwap")
	}
	if must(v.Update(ctx, louder)) != "d!" || must(v.Load(ctx)) != "d!" {
		t.Error("Update")
	}
	ok(t, v.Store(ctx, ""))
	_, err := v.Update(ctx, louder)
	is(t, "an Update that fails", err, errRefused)
	if must(v.Load(ctx)) != "" {
		t.Error("an Update that failed")
	}
	emptied(t, m)
}

type level int8

// named is an integer that is not encoded as one.
type named int

func (n named) MarshalText() ([]byte, error)     { return []byte("12345678"), nil }
func (n *named) UnmarshalText(text []byte) error { return nil }

// adds checks that a sum is that of T, wherever it begins.
func adds[T manager.Integer](t *testing.T, m *manager.Manager, begin, delta T) {
	t.Helper()
	v := must(manager.NewValue(m, begin))
	if sum := must(manager.Add(ctx, v, delta)); sum != begin+delta || must(v.Load(ctx)) != sum {
		t.Errorf("%T: %d and %d is %d, want %d", begin, begin, delta, sum, begin+delta)
	}
}

func TestAdd(t *testing.T) {
	m := containerServer(t, 0)
	adds(t, m, 1, 2)
	adds(t, m, -1, -2)
	adds[int8](t, m, 127, 1)
	adds[level](t, m, -128, -1)
	adds[uint8](t, m, 200, 100)
	adds[int16](t, m, math.MaxInt16, math.MaxInt16)
	adds[uint16](t, m, 0xff, 1)
	adds[int32](t, m, math.MinInt32, -1)
	adds[uint32](t, m, math.MaxUint32, 2)
	adds[int64](t, m, math.MaxInt64, 1)
	adds[uint64](t, m, math.MaxUint64, math.MaxUint64)
	adds[uintptr](t, m, 1, 2)
	adds[uint](t, m, 0xffff_ffff, 1)
	adds(t, m, time.Second, time.Minute)
	if _, err := manager.Add(ctx, must(manager.NewValue[named](m, 1)), 1); err == nil {
		t.Error("a sum of texts")
	}
	var group sync.WaitGroup
	v := must(manager.NewValue(m, uint8(0)))
	for range 4 {
		group.Go(func() {
			for range 500 {
				must(manager.Add(ctx, v, 1))
			}
		})
	}
	group.Wait()
	if n := must(v.Load(ctx)); n != 2000%256 {
		t.Error(n)
	}
	emptied(t, m)
}
