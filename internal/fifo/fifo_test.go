package fifo

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestQueueAgainstASlice(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var q Queue[int]
	var model []int
	for n := range 100_000 {
		switch op := rng.IntN(8); {
		case op < 3:
			q.Push(n + 1)
			model = append(model, n+1)
		case op < 4:
			q.PushFront(n + 1)
			model = slices.Insert(model, 0, n+1)
		case op < 7 && len(model) > 0:
			q.Pop()
			model = model[1:]
		case op == 7 && len(model) > 0:
			x := model[rng.IntN(len(model))]
			q.Remove(x)
			model = slices.Delete(model, slices.Index(model, x), slices.Index(model, x)+1)
		}
		if rng.IntN(1000) == 0 { // it runs empty now and then
			for range model {
				q.Pop()
			}
			model = nil
		}
		if !slices.Equal(q.All(), model) || q.Len() != len(model) {
			t.Fatalf("after %d operations: %v, want %v", n, q.All(), model)
		}
		if want := 0; len(model) > 0 && q.First() != model[0] || len(model) == 0 && q.First() != want {
			t.Fatalf("first is %d of %v", q.First(), model)
		}
	}
}
