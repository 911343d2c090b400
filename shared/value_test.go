package shared_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

type numbers struct {
	I   *shared.Value[int]
	D   *shared.Value[float64]
	H   *shared.Value[int16]
	Q   *shared.Value[uint64]
	C   *shared.Value[byte]
	B   *shared.Value[bool]
	Odd *shared.Value[[3]byte]
	P   *shared.Value[struct{}]
}

var assign = mp.Func("assign", func(_ context.Context, n numbers) (string, error) {
	saw := fmt.Sprint(n.I.Load(), n.D.Load(), n.H.Load(), n.Q.Load(), n.C.Load(), n.B.Load(), n.Odd.Load(), n.P.Load())
	n.I.Store(-7)
	n.D.Store(math.Inf(-1))
	n.H.Store(-1 << 15)
	n.Q.Store(1 << 63)
	n.C.Store('z')
	n.B.Store(true)
	n.Odd.Store([3]byte{7, 8, 9})
	n.P.Store(struct{}{})
	return saw, nil
})

// T071: numbers of each size have their first values, and what another process makes of them.
func TestValue(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		n := numbers{
			fresh(shared.NewValue(1))(t), fresh(shared.NewValue(2.5))(t), fresh(shared.NewValue(int16(3)))(t),
			fresh(shared.NewValue(uint64(4)))(t), fresh(shared.NewValue(byte(5)))(t), fresh(shared.NewValue(false))(t),
			fresh(shared.NewValue([3]byte{1, 2, 3}))(t), fresh(shared.NewValue(struct{}{}))(t),
		}
		if saw := everywhere(t, where, assign, n)[0]; saw != "1 2.5 3 4 5 false [1 2 3] {}" {
			t.Errorf("it saw %s", saw)
		}
		if n.I.Load() != -7 || !math.IsInf(n.D.Load(), -1) || n.H.Load() != -1<<15 || n.Q.Load() != 1<<63 ||
			n.C.Load() != 'z' || !n.B.Load() || n.Odd.Load() != [3]byte{7, 8, 9} {
			t.Error(n)
		}
		if before := n.I.Swap(8); before != -7 || n.I.Load() != 8 {
			t.Errorf("Swap: %d, then %d", before, n.I.Load())
		}
		if s := n.I.String(); !strings.HasPrefix(s, "Value#") || !strings.HasSuffix(s, "(8)") {
			t.Error(s)
		}
	})
}

// adding is the test of Add for one kind of integers: from the edge over it and back.
func adding[T shared.Integer](t *testing.T) {
	t.Helper()
	var zero T
	t.Run(reflect.TypeFor[T]().String(), func(t *testing.T) {
		bits := reflect.TypeFor[T]().Bits()
		most := ^zero // of an unsigned kind
		if most < zero {
			most = T(1)<<(bits-2) - 1 + T(1)<<(bits-2)
		}
		v := fresh(shared.NewValue(most - 1))(t)
		for i, want := range []T{most, most + 1, most + 2, most + 1, most} {
			delta := T(1)
			if i > 2 {
				delta = zero - 1
			}
			if sum := shared.Add(v, delta); sum != want || v.Load() != want {
				t.Errorf("step %d: %d and %d, want %d", i, sum, v.Load(), want)
			}
		}
		if shared.CompareAndSwap(v, most-1, zero) || v.Load() != most {
			t.Errorf("a swap from what it is not: %d", v.Load())
		}
		if !shared.CompareAndSwap(v, most, zero) || v.Load() != zero {
			t.Errorf("a swap from what it is: %d", v.Load())
		}
	})
}

type celsius int32

func TestAddWrapsAround(t *testing.T) {
	noLeaks(t)
	adding[int](t)
	adding[int8](t)
	adding[int16](t)
	adding[int32](t)
	adding[int64](t)
	adding[uint](t)
	adding[uint8](t)
	adding[uint16](t)
	adding[uint32](t)
	adding[uint64](t)
	adding[uintptr](t)
	adding[celsius](t)
}

type summing struct {
	Small *shared.Value[int8]
	Word  *shared.Value[int64]
	Large *shared.Value[[5]int64]
	Times int
}

var sum = mp.Func("sum", func(ctx context.Context, s summing) (int, error) {
	for range s.Times {
		shared.Add(s.Small, 1)
		shared.Add(s.Word, 3)
		for before := s.Word.Load(); !shared.CompareAndSwap(s.Word, before, before-2); {
			before = s.Word.Load()
		}
		if _, err := s.Large.Update(ctx, func(v [5]int64) [5]int64 { v[0]++; v[4]--; return v }); err != nil {
			return 0, err
		}
	}
	return s.Times, nil
})

// T081: no addition is lost, with or without a lock, however many add.
func TestAddLosesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		s := summing{fresh(shared.NewValue(int8(0)))(t), fresh(shared.NewValue(int64(0)))(t), fresh(shared.NewValue([5]int64{}))(t), 2000}
		everywhere(t, where, sum, s, s, s, s)
		const n = 4 * 2000
		if s.Small.Load() != int8(n%256-256*(n%256/128)) || s.Word.Load() != n || s.Large.Load() != [5]int64{n, 0, 0, 0, -n} {
			t.Error(s.Small, s.Word, s.Large)
		}
	})
}

// Update leaves the value as it is when its function panics or its context has ended, and gives the lock back.
func TestValueUpdate(t *testing.T) {
	noLeaks(t)
	v := fresh(shared.NewValue([2]int{1, 2}))(t)
	if got := panics(func() { _, _ = v.Update(ctx, func([2]int) [2]int { panic("own") }) }); got != "own" {
		t.Errorf("the panic became %v", got)
	}
	lasts(t, func(ctx context.Context) error {
		ok(t, v.Mutex().Lock(context.Background()))
		defer func() { ok(t, v.Mutex().Unlock()) }()
		_, err := v.Update(ctx, func([2]int) [2]int { t.Error("called without the lock"); return [2]int{} })
		return err
	})
	if got, err := v.Update(ctx, func(v [2]int) [2]int { v[0]++; return v }); err != nil || got != [2]int{2, 2} || v.Load() != got {
		t.Errorf("%v, %v, then %v", got, err, v)
	}
}

type locked struct {
	V   *shared.Value[int64]
	Has *shared.Event
}

var lockValue = mp.Func("lockValue", func(ctx context.Context, l locked) (int, error) {
	if err := errors.Join(l.V.Mutex().Lock(ctx), l.Has.Set()); err != nil {
		return 0, err
	}
	select {}
})

// T073: a value has a lock, which is its own; that its owner died is told by Lock, and not by Update, for which the value is
// whole.
func TestValueMutex(t *testing.T) {
	noLeaks(t)
	l := locked{fresh(shared.NewValue(int64(1)))(t), fresh(shared.NewEvent())(t)}
	p := start(t, lockValue, l)
	ok(t, l.Has.Wait(ctx))
	if v := l.V.Load(); v != 1 || !l.V.Mutex().Locked() {
		t.Errorf("%d, %v", v, l.V.Mutex())
	}
	wants(t, "unlock of what another has", l.V.Mutex().Unlock(), shared.ErrNotOwner)
	ok(t, p.Kill())
	for want := int64(2); want < 4; want++ {
		if v, err := l.V.Update(ctx, func(v int64) int64 { return v + 1 }); v != want || err != nil {
			t.Errorf("Update after a death: %d, %v", v, err)
		}
	}
	wants(t, "Lock after a death", l.V.Mutex().Lock(ctx), shared.ErrOwnerDied)
	ok(t, l.V.Mutex().Unlock())
}

type inner struct {
	Fine int
	Text map[string]int
}

// T074, T079: what is not memory of a fixed size is refused, and the error names the field.
func TestValueRefuses(t *testing.T) {
	noLeaks(t)
	refused := func(err error, parts ...string) {
		t.Helper()
		for _, p := range parts {
			if err == nil || !strings.Contains(err.Error(), p) {
				t.Errorf("%v, want %q", err, p)
			}
		}
	}
	refuse(refused, "", "string")
	refuse(refused, []int{}, "[]int", "array")
	refuse(refused, &inner{}, "*shared_test.inner")
	refuse(refused, struct{ A [2]inner }{}, ".A[].Text", "map[string]int")
	refuse(refused, time.Time{}, "time.Time.loc")
	refuse(refused, struct{ F func() }{}, ".F", "func()")
	refuse(refused, struct{ C chan int }{}, ".C")
	refuse(refused, struct{ E error }{}, ".E")
	refuse(refused, struct{ V *shared.Value[int] }{}, ".V")
	fresh(shared.NewValue([0]string{}))(t) // has none
}

func refuse[T any](check func(error, ...string), v T, parts ...string) {
	_, err := shared.NewValue(v)
	check(err, parts...)
	_, err = shared.NewArray[T](1)
	check(err, parts...)
}
