package mp_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// goAll starts a call for each argument.
func goAll[In, Out any](f *mp.Function[In, Out], x mp.Executor, in ...In) []*mp.Future[Out] {
	futures := make([]*mp.Future[Out], len(in))
	for i, v := range in {
		futures[i] = f.Go(ctx, x, v)
	}
	return futures
}

// T346, T347, T351: those that have ended come first, in their order, the others as they end; each once, failures as values.
func TestAsCompleted(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		ended := goAll(odd, x, 0, 1, 2)
		for _, f := range ended {
			<-f.Done()
		}
		late := goAll(wait, x, 1, 2)
		futures := []*mp.Future[int]{late[0], ended[0], ended[1], late[1], ended[2]}
		var order []int
		for i, r := range mp.AsCompleted(ctx, futures...) {
			order = append(order, i)
			var ee *mp.ElementError
			want := map[int]string{2: "1 is odd", 3: "context canceled", 0: "context canceled"}[i]
			if want == "" && (r.Err != nil || r.Value != i/2) || want != "" && (!errors.As(r.Err, &ee) || ee.Index != i || ee.Err.Error() != want) {
				t.Errorf("call %d: %+v", i, r)
			}
			switch i {
			case 4:
				late[1].Cancel()
			case 3:
				late[0].Cancel()
			}
		}
		if !slices.Equal(order, []int{1, 2, 4, 3, 0}) {
			t.Errorf("they came as %v", order)
		}
		for range mp.AsCompleted[int](ctx) {
			t.Error("an outcome of nothing")
		}
	})
}

// T349, T350: all up to the first failure, which may be there already; those that are left behind go on.
func TestAsCompletedUpToAFailure(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		notLeased(t, x)
		for _, before := range []bool{false, true} {
			futures := []*mp.Future[int]{wait.Go(ctx, x, 1), odd.Go(ctx, x, 2), odd.Go(ctx, x, 3)}
			if before {
				<-futures[2].Done()
			}
			for i, r := range mp.AsCompleted(ctx, futures...) {
				if r.Err != nil {
					if i != 2 {
						t.Errorf("call %d: %v", i, r.Err)
					}
					break
				}
			}
			select {
			case <-futures[0].Done():
				t.Error("leaving the loop has ended a call")
			default:
				futures[0].Cancel()
			}
		}
	})
}

// T265, T267: when the context ends, what has ended is yielded with its outcome and all others with the context's error, so it is
// known which these are; and they go on.
func TestAsCompletedForAWhile(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		done, never := square.Go(ctx, x, 3), wait.Go(ctx, x, 1)
		<-done.Done()
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		for _, c := range []context.Context{short, expired()} {
			var got []string
			for i, r := range mp.AsCompleted(c, never, done, never) {
				got = append(got, fmt.Sprint(i, r.Value, r.Err != nil && errors.Is(r.Err, c.Err())))
			}
			if !slices.Equal(got, []string{"1 9 false", "0 0 true", "2 0 true"}) {
				t.Errorf("%q", got)
			}
		}
		select {
		case <-never.Done():
			t.Error("the end of the wait has ended a call")
		default:
			never.Cancel()
		}
	})
}

// T266, T345: one that is given three times is yielded for each of its three indexes.
func TestAsCompletedOfTheSame(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		f := square.Go(ctx, x, 2)
		for range 2 { // it can be waited for again
			n := 0
			for i, r := range mp.AsCompleted(ctx, f, f, f) {
				if r.Value != 4 || r.Err != nil || i > 2 {
					t.Errorf("%d: %+v", i, r)
				}
				n++
			}
			if n != 3 {
				t.Errorf("%d outcomes", n)
			}
		}
	})
}
