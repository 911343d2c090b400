package manager

import (
	"context"
	"sync"
	"testing"
)

var exclusives = Class("manager.exclusive", func(context.Context, int) (*int, error) { return new(int), nil }, Exclusive())

var exclusiveNext = Method0(exclusives, "Next", func(n *int, _ context.Context) (int, error) {
	*n++
	return *n, nil
})

// Calls that wait run one at a time, each once, on whichever goroutine ends the one before.
func TestExclusive(t *testing.T) {
	srv := newTestServer(t, Config{})
	m := srv.connect(t)
	o, err := exclusives.New(background, m, 0)
	if err != nil {
		t.Fatal(err)
	}
	const callers, calls = 8, 200
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for range calls {
				if _, err := exclusiveNext.Call(background, o); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if n, err := exclusiveNext.Call(background, o); err != nil || n != callers*calls+1 {
		t.Errorf("%d calls, %v", n, err)
	}
}
