package shared_test

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// doubleRange doubles a range in place, and returns its own ranges' sums.
var doubleRange = mp.Func("doubleRange", func(_ context.Context, r *shared.Array[int]) ([]int, error) {
	for i, v := range r.Slice() {
		r.Set(i, 2*v)
	}
	var sums []int
	for _, part := range r.Split(2) {
		sum := 0
		for i := range part.Len() {
			sum += part.At(i)
		}
		sums = append(sums, sum)
	}
	return sums, nil
})

// A range is the same memory, here and where it has travelled, also a range of a range.
func TestArrayRange(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		a := fresh(shared.ArrayOf([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}))(t)
		r := a.Range(2, 9).Range(1, 5) // 3, 4, 5, 6
		if !slices.Equal(r.Slice(), []int{3, 4, 5, 6}) || r.Len() != 4 || cap(r.Slice()) != 4 || &r.Slice()[0] != &a.Slice()[3] {
			t.Error(r, r.Slice())
		}
		sums := everywhere(t, where, doubleRange, r)[0]
		if !slices.Equal(sums, []int{14, 22}) || !slices.Equal(a.Slice(), []int{0, 1, 2, 6, 8, 10, 12, 7, 8, 9}) {
			t.Error(sums, a.Slice())
		}
		if s := r.String(); !strings.HasPrefix(s, "Array#") || !strings.HasSuffix(s, "[3:7](4 of int)") {
			t.Error(s)
		}
		if taken, err := r.Mutex().TryLock(); !taken || err != nil {
			t.Error(taken, err)
		}
		if taken, err := a.Mutex().TryLock(); taken || err != nil {
			t.Error("a range has a lock of its own", err)
		}
		ok(t, a.Mutex().Unlock())
	})
}

// All elements are in one of the parts, which are nearly equal.
func TestArraySplit(t *testing.T) {
	noLeaks(t)
	for _, size := range []int{0, 1, 7, 10, 1000} {
		a := fresh(shared.NewArray[int](size))(t)
		for i := range size {
			a.Set(i, i)
		}
		for _, n := range []int{1, 2, 3, 7, 20} {
			var all []int
			least, most := math.MaxInt, 0
			parts := a.Split(n)
			for _, p := range parts {
				all = append(all, p.Slice()...)
				least, most = min(least, p.Len()), max(most, p.Len())
			}
			if len(parts) != n || !slices.Equal(all, a.Slice()) || most-least > 1 {
				t.Errorf("%d in %d parts, of %d to %d: %v", size, n, least, most, parts)
			}
		}
	}
}

// What is no range of it panics, and what only looks like one is refused.
func TestArrayRangeBounds(t *testing.T) {
	noLeaks(t)
	a := fresh(shared.NewArray[int32](10))(t)
	r := a.Range(2, 6)
	for _, c := range [][2]int{{-1, 2}, {3, 2}, {0, 5}, {5, 5}, {0, math.MaxInt}, {math.MinInt, 0}} {
		if panics(func() { r.Range(c[0], c[1]) }) == nil {
			t.Errorf("there is a range %v of 4", c)
		}
	}
	if panics(func() { a.Split(0) }) == nil || panics(func() { r.At(4) }) == nil || panics(func() { r.Set(-1, 0) }) == nil {
		t.Error("it goes beyond its bounds")
	}
	if empty := r.Range(4, 4); empty.Len() != 0 || len(empty.Slice()) != 0 {
		t.Error(empty)
	}
	b, err := r.MarshalBinary()
	ok(t, err)
	for _, c := range [][2]uint64{{2, 11}, {7, 6}, {math.MaxUint64, math.MaxUint64}, {0, math.MaxUint64}, {1 << 63, 1<<63 + 1}} {
		bad := slices.Clone(b)
		binary.LittleEndian.PutUint64(bad[16:], c[0])
		binary.LittleEndian.PutUint64(bad[24:], c[1])
		if new(shared.Array[int32]).UnmarshalBinary(bad) == nil {
			t.Errorf("%v is a range of 10", c)
		}
	}
	for n := range b {
		if n != 16 && new(shared.Array[int32]).UnmarshalBinary(b[:n]) == nil {
			t.Errorf("%d bytes are a range", n)
		}
	}
	if new(shared.Mutex).UnmarshalBinary(b) == nil {
		t.Error("a range is a mutex")
	}
}

// A range is not freed by itself, and ends with the array.
func TestArrayRangeFreed(t *testing.T) {
	noLeaks(t)
	a := fresh(shared.NewArray[int](10))(t)
	r := a.Range(2, 6)
	if err := r.Free(); err == nil || r.Len() != 4 || a.Len() != 10 {
		t.Errorf("it was freed: %v", err)
	}
	ok(t, a.Free())
	wants(t, "Free of a range of nothing", r.Free(), shared.ErrClosed)
	if r.Len() != 0 || r.Slice() != nil || panics(func() { r.Range(0, 0) }) == nil || panics(func() { r.Split(1) }) == nil || !strings.HasSuffix(r.String(), "(freed)") {
		t.Error("it has outlived its array")
	}
	b, err := r.MarshalBinary()
	ok(t, err)
	var later shared.Array[int]
	ok(t, later.UnmarshalBinary(b))
	wants(t, "Free of one that comes later", later.Free(), shared.ErrClosed)
	b[0]++
	var strange shared.Array[int]
	ok(t, strange.UnmarshalBinary(b))
	wants(t, "Free of one of another family", strange.Free(), shared.ErrDetached)
	if again, err := strange.MarshalBinary(); err != nil || !slices.Equal(again, b) {
		t.Error("it does not travel on", err)
	}
}
