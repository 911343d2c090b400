package manager_test

import (
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/go-multiproc/mp/manager"
)

// Snapshots of any size travel, and are of the moment at which the loop began.
func TestLargeSnapshots(t *testing.T) {
	m := containerServer(t, 0)
	numbers := make([]int, 200_000)
	for i := range numbers {
		numbers[i] = i * i
	}
	l, s, a := must(manager.NewList(m, numbers...)), must(manager.NewSet(m, numbers...)), must(manager.NewArray[int](m, len(numbers)))
	ok(t, a.SetSlice(ctx, 0, numbers))
	n := 0
	for x, err := range l.All(ctx) {
		if ok(t, err); x != numbers[n] {
			t.Fatalf("element %d is %d", n, x)
		}
		if n++; n == 1 {
			ok(t, l.Clear(ctx))
		}
	}
	if n != len(numbers) || must(l.Len(ctx)) != 0 {
		t.Errorf("%d elements", n)
	}
	if got := must(s.Copy(ctx)); !slices.Equal(got, numbers) {
		t.Errorf("the set has %d elements", len(got))
	}
	if got := must(a.Slice(ctx, 1, -1)); !slices.Equal(got, numbers[1:len(numbers)-1]) {
		t.Errorf("the array has %d elements", len(got))
	}
	emptied(t, m)
}

// Pages fit into messages, whatever the elements are.
func TestSnapshotsOfSmallMessages(t *testing.T) {
	const most = 10_000
	m := must(manager.InProcess(manager.Config{MaxMessage: most}))
	defer m.Stop(ctx)
	l := must(manager.NewList[string](m))
	var want []string
	for i := range 60 {
		for _, size := range []int{i, i * 150, most - 30} {
			want = append(want, strings.Repeat("x", size))
			ok(t, l.Append(ctx, want[len(want)-1]))
		}
	}
	if got := must(l.Copy(ctx)); !slices.Equal(got, want) {
		t.Errorf("%d elements, want %d", len(got), len(want))
	}
	a := must(manager.NewArray[byte](m, most))
	if got := must(a.Slice(ctx, 0, most)); len(got) != most {
		t.Errorf("%d bytes", len(got))
	}
}

// A snapshot keeps what its elements refer to, until the loop ends: also if that breaks off.
func TestSnapshotThatBreaksOff(t *testing.T) {
	m := containerServer(t, 0)
	type fat struct {
		Value *manager.Value[int]
		Fat   [100_000]byte
	}
	l := must(manager.NewList[fat](m))
	for i := range 20 {
		ok(t, l.Append(ctx, fat{Value: must(manager.NewValue(m, i))}))
	}
	i := 0
	for e, err := range l.All(ctx) {
		ok(t, err)
		if i == 0 {
			ok(t, l.Clear(ctx))
			canary(t, m)
		}
		if v := must(e.Value.Load(ctx)); v != i {
			t.Errorf("value %d is %d", i, v)
		}
		if i++; i == 10 {
			break
		}
	}
	settled(t, m, map[string]int{"List": 1})
	runtime.KeepAlive(l)
	emptied(t, m)
}
