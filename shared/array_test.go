package shared_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

type point struct {
	X, Y  float64
	Name  [8]byte
	Valid bool
}

type arrays struct {
	Ints   *shared.Array[int]
	Points *shared.Array[point]
	Grid   *shared.Array[[4]int32]
}

// transform makes sums of prefixes in place, mirrors points, and fills the second row of a grid.
var transform = mp.Func("transform", func(_ context.Context, a arrays) (int, error) {
	ints := a.Ints.Slice()
	for i := 1; i < len(ints); i++ {
		ints[i] += ints[i-1]
	}
	for i, p := range a.Points.Slice() {
		p.X, p.Valid = -p.X, true
		a.Points.Set(i, p)
	}
	a.Grid.Slice()[1] = [4]int32{5, 6, 7, 8}
	return len(ints), nil
})

// T075, T077, T081: length, index, slices; what another process writes is there; numbers, structs and rows.
func TestArray(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		a := arrays{
			fresh(shared.ArrayOf([]int{680, 626, 934, 821, 150}))(t),
			fresh(shared.ArrayOf([]point{{X: 1, Y: 2, Name: [8]byte{'p'}}, {X: 3}}))(t),
			fresh(shared.NewArray[[4]int32](3))(t),
		}
		if n := everywhere(t, where, transform, a)[0]; n != 5 || a.Ints.Len() != 5 {
			t.Errorf("%d and %d elements", n, a.Ints.Len())
		}
		if !slices.Equal(a.Ints.Slice(), []int{680, 1306, 2240, 3061, 3211}) || a.Ints.At(4) != 3211 {
			t.Error(a.Ints.Slice())
		}
		if a.Points.At(0) != (point{-1, 2, [8]byte{'p'}, true}) || a.Points.At(1) != (point{X: -3, Valid: true}) {
			t.Error(a.Points.Slice())
		}
		if a.Grid.At(0) != [4]int32{} || a.Grid.At(1) != [4]int32{5, 6, 7, 8} || a.Grid.At(2) != [4]int32{} {
			t.Error(a.Grid.Slice())
		}
		copy(a.Ints.Slice()[1:3], []int{-1, -2}) // a slice is assigned
		if !slices.Equal(a.Ints.Slice()[:4], []int{680, -1, -2, 3061}) {
			t.Error(a.Ints.Slice())
		}
		if s := a.Ints.String(); !strings.HasPrefix(s, "Array#") || !strings.HasSuffix(s, "(5 of int)") {
			t.Error(s)
		}
	})
}

// T075: Slice is the memory itself.
func TestArraySlice(t *testing.T) {
	noLeaks(t)
	a := fresh(shared.NewArray[int32](100))(t)
	first, second := a.Slice(), a.Slice()
	if &first[0] != &second[0] {
		t.Error("Slice copies")
	}
	first[42] = 42
	if second[42] != 42 || a.At(42) != 42 {
		t.Error("two slices differ")
	}
	a.Set(42, 43)
	if first[42] != 43 {
		t.Error("Set did not change the slice")
	}
	if len(first) != 100 || cap(first) != 100 {
		t.Errorf("len %d, cap %d", len(first), cap(first)) // to append to it must not write behind it
	}
}

// T082: ArrayOf copies.
func TestArrayOfCopies(t *testing.T) {
	noLeaks(t)
	from := []point{{X: 1}, {X: 2}}
	a := fresh(shared.ArrayOf(from))(t)
	from[0].X = 7
	if a.At(0).X != 1 {
		t.Error("it is no copy")
	}
	b := fresh(shared.ArrayOf(a.Slice()))(t)
	b.Slice()[1].X = 8
	if a.At(1).X != 2 || b.At(0) != a.At(0) {
		t.Error("the copy of an array is no copy")
	}
}

// T075, W22: bounds, and lengths that are none.
func TestArrayBounds(t *testing.T) {
	noLeaks(t)
	a := fresh(shared.NewArray[int64](3))(t)
	for _, i := range []int{-1, 3, math.MaxInt, math.MinInt} {
		if panics(func() { a.At(i) }) == nil || panics(func() { a.Set(i, 1) }) == nil {
			t.Errorf("there is an element %d of 3", i)
		}
	}
	if a.At(0) != 0 || a.At(2) != 0 {
		t.Error("not zero in the beginning")
	}
	for _, n := range []int{-1, math.MinInt, math.MaxInt} {
		_, err := shared.NewArray[int64](n)
		wants(t, "a length", err, shared.ErrBound)
	}
	_, err := shared.NewArray[byte](math.MaxInt)
	wants(t, "more memory than there is", err, shared.ErrNoMemory)
	for _, empty := range []*shared.Array[int64]{fresh(shared.NewArray[int64](0))(t), fresh(shared.ArrayOf[int64](nil))(t)} {
		if empty.Len() != 0 || len(empty.Slice()) != 0 || panics(func() { empty.At(0) }) == nil {
			t.Error(empty)
		}
		for range empty.Slice() {
			t.Error("it has an element")
		}
	}
	nothing := fresh(shared.NewArray[struct{}](1000))(t)
	if nothing.Len() != 1000 || nothing.At(999) != (struct{}{}) {
		t.Error(nothing)
	}
}

type lockedArray struct {
	A   *shared.Array[int64]
	Has *shared.Event
}

// halve dies in the middle of a change.
var halve = mp.Func("halve", func(ctx context.Context, l lockedArray) (int, error) {
	if err := l.A.Mutex().Lock(ctx); err != nil {
		return 0, err
	}
	l.A.Set(0, 1)
	if err := l.Has.Set(); err != nil {
		return 0, err
	}
	select {}
})

// T078, W04: an array has a lock, which is its own, and tells of a death in the middle of a change.
func TestArrayMutex(t *testing.T) {
	noLeaks(t)
	l := lockedArray{fresh(shared.NewArray[int64](2))(t), fresh(shared.NewEvent())(t)}
	p := start(t, halve, l)
	ok(t, l.Has.Wait(ctx))
	if taken, err := l.A.Mutex().TryLock(); taken || err != nil {
		t.Errorf("TryLock of what another has: %v, %v", taken, err)
	}
	ok(t, p.Kill())
	wants(t, "Lock after a death", l.A.Mutex().Lock(ctx), shared.ErrOwnerDied)
	if l.A.At(0) != 1 || l.A.At(1) != 0 {
		t.Error("it is not as it was left", l.A.Slice())
	}
	l.A.Set(0, 0)
	ok(t, l.A.Mutex().Unlock())
	ok(t, l.A.Mutex().Do(ctx, func() error { return nil }))
}

// T079: a handle is of one type of elements: of another it cannot be.
func TestArrayType(t *testing.T) {
	noLeaks(t)
	a := fresh(shared.NewArray[int64](2))(t)
	handle, err := a.MarshalBinary()
	ok(t, err)
	var other shared.Array[uint64]
	if err := other.UnmarshalBinary(handle); err == nil || !strings.Contains(err.Error(), "uint64") {
		t.Error(err)
	}
	var value shared.Value[int64]
	if err := value.UnmarshalBinary(handle); err == nil {
		t.Error("an array became a value")
	}
	var same shared.Array[int64]
	ok(t, same.UnmarshalBinary(handle))
	same.Set(1, 5)
	if a.At(1) != 5 {
		t.Error("a second handle has other memory")
	}
}
