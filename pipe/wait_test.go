package pipe

import (
	"context"
	"errors"
	"slices"
	"testing"
)

// door is a Waitable that is ready once it is open.
type door struct {
	open chan struct{}
	err  error
}

func newDoor() *door { return &door{open: make(chan struct{})} }

func (d *door) AwaitReady(ctx context.Context) error {
	select {
	case <-d.open:
		return d.err
	default:
	}
	select {
	case <-d.open:
		return d.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// T159, H21: of nothing, nothing is ready, and the context is heeded.
func TestWaitForNothing(t *testing.T) {
	lasts(t, func(ctx context.Context) error {
		got, err := Wait(ctx)
		if got != nil {
			t.Error(got)
		}
		return err
	})
}

// T177, T178, T179: all that are ready, in the order of the arguments, and again.
func TestWait(t *testing.T) {
	noLeaks(t)
	a, b, c := newDoor(), newDoor(), newDoor()
	lasts(t, func(ctx context.Context) error { _, err := Wait(ctx, a, b, c); return err })
	close(c.open)
	for _, w := range []context.Context{ctx, ended()} {
		if got, err := Wait(w, a, b, c); err != nil || !slices.Equal(got, []Waitable{c}) {
			t.Fatal(got, err)
		}
	}
	close(a.open)
	for range 2 {
		if got, err := Wait(ctx, c, b, a, c); err != nil || !slices.Equal(got, []Waitable{c, a, c}) {
			t.Fatal(got, err)
		}
	}
}

func TestWaitIsWoken(t *testing.T) {
	noLeaks(t)
	doors := []*door{newDoor(), newDoor(), newDoor()}
	all := make([]Waitable, len(doors))
	for i, d := range doors {
		all[i] = d
	}
	for i := range doors {
		got := make(chan []Waitable)
		go func() {
			ready, err := Wait(ctx, all[i:]...)
			if err != nil {
				t.Error(err)
			}
			got <- ready
		}()
		close(doors[i].open)
		if ready := <-got; !slices.Equal(ready, all[i:i+1]) {
			t.Fatal(ready)
		}
	}
}

// What has an error of its own ends the wait with it.
func TestWaitForWhatIsBroken(t *testing.T) {
	noLeaks(t)
	broken := errors.New("broken")
	d := newDoor()
	d.err = broken
	got := make(chan error)
	go func() { _, err := Wait(ctx, newDoor(), d); got <- err }()
	close(d.open)
	wants(t, "while it waits", <-got, broken)
	_, err := Wait(ctx, newDoor(), d)
	wants(t, "before", err, broken)
}
