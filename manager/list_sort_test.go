package manager_test

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
)

type card struct{ Rank, Number int }

var (
	byRank     = mp.Func2("manager_test.byRank", func(_ context.Context, a, b card) (int, error) { return cmp.Compare(a.Rank, b.Rank), nil })
	refuses    = mp.Func2("manager_test.refuses", func(_ context.Context, a, b card) (int, error) { return 0, errRefused })
	panics     = mp.Func2("manager_test.panics", func(_ context.Context, a, b card) (int, error) { panic("no") })
	noOrder    = mp.Func2("manager_test.noOrder", func(_ context.Context, a, b card) (int, error) { return rand.IntN(3) - 1, nil })
	alwaysLess = mp.Func2("manager_test.alwaysLess", func(_ context.Context, a, b card) (int, error) { return -1, nil })

	// between is given what a comparison has to wait for, once.
	between = make(chan func(context.Context), 1)
	waiting = mp.Func2("manager_test.waiting", func(ctx context.Context, a, b card) (int, error) {
		select {
		case fn := <-between:
			fn(ctx)
		default:
		}
		return cmp.Compare(a.Rank, b.Rank), nil
	})
)

func cards(n int) []card {
	cards := make([]card, n)
	for i := range cards {
		cards[i] = card{rand.IntN(n/2 + 1), i}
	}
	return cards
}

// Elements that are equal stay in their order, whatever the length.
func TestListSortIsStable(t *testing.T) {
	m := containerServer(t, 0)
	for _, n := range []int{0, 1, 2, 3, 7, 64, 1000} {
		all := cards(n)
		l := must(manager.NewList(m, all...))
		ok(t, l.Sort(ctx, byRank))
		slices.SortStableFunc(all, func(a, b card) int { return cmp.Compare(a.Rank, b.Rank) })
		if got := must(l.Copy(ctx)); !slices.Equal(got, all) {
			t.Errorf("%d elements: %v, want %v", n, got, all)
		}
	}
	emptied(t, m)
}

// What goes wrong in the function is the call's error, and the list is as it was.
func TestListSortFails(t *testing.T) {
	m := containerServer(t, 0)
	all := cards(50)
	l := must(manager.NewList(m, all...))
	is(t, "an error", l.Sort(ctx, refuses), errRefused)
	var p *mp.PanicError
	if err := l.Sort(ctx, panics); !errors.As(err, &p) {
		t.Errorf("a panic: %v", err)
	}
	if l.Sort(ctx, nil) == nil {
		t.Error("a nil function")
	}
	limited, cancel := brief()
	defer cancel()
	between <- func(ctx context.Context) { <-ctx.Done() }
	is(t, "a context that ends", l.Sort(limited, waiting), context.DeadlineExceeded)
	if got := must(l.Copy(ctx)); !slices.Equal(got, all) {
		t.Errorf("the list is %v", got)
	}
	eventually(t, "nothing runs", func() bool { return must(m.Stats(ctx)).Running == 0 })
}

// A function that is no order makes some order: each element is still there once.
func TestListSortByNoOrder(t *testing.T) {
	m := containerServer(t, 0)
	for _, fn := range []*mp.Function[mp.Args2[card, card], int]{noOrder, alwaysLess} {
		all := cards(500)
		l := must(manager.NewList(m, all...))
		ok(t, l.Sort(ctx, fn))
		got := must(l.Copy(ctx))
		slices.SortFunc(got, func(a, b card) int { return cmp.Compare(a.Number, b.Number) })
		if !slices.Equal(got, all) {
			t.Error("elements are lost")
		}
	}
}

// What is changed while the list is sorted is sorted, too, and what is removed does not come back.
func TestListSortOfWhatChanges(t *testing.T) {
	m := containerServer(t, 0)
	l := must(manager.NewList(m, card{3, 0}, card{2, 0}, card{9, 0}))
	between <- func(context.Context) {
		ok(t, l.Append(ctx, card{1, 0}))
		ok(t, l.Remove(ctx, card{9, 0}))
	}
	ok(t, l.Sort(ctx, waiting))
	if got := must(l.Copy(ctx)); !slices.Equal(got, []card{{1, 0}, {2, 0}, {3, 0}}) {
		t.Error(got)
	}
	emptied(t, m)
}
