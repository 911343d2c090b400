package manager

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-multiproc/mp"
)

var exclusives = Class("manager.exclusive", func(context.Context, int) (*int, error) { return new(int), nil }, Exclusive())

var exclusiveNext = Method0(exclusives, "Next", func(n *int, _ context.Context) (int, error) {
	*n++
	return *n, nil
})

// Calls that wait run one at a time, each once, on whichever goroutine ends the one before.
func TestExclusiveInOrder(t *testing.T) {
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

var exclusiveHang = Method0(exclusives, "Hang", func(*int, context.Context) (int, error) {
	hang()
	return 0, nil
})

// held is what functions of the tests wait for. One may go on for a while after its test.
var held atomic.Pointer[chan struct{}]

// hold makes functions wait until what it returns is called.
func hold() (release func()) {
	c := make(chan struct{})
	held.Store(&c)
	return func() { close(c) }
}

func hang() { <-*held.Load() }

// A function that goes on after its session has ended is one that runs, and none that waits.
func TestStatsOfAFunctionThatGoesOn(t *testing.T) {
	release := hold()
	srv := newTestServer(t, Config{})
	a, b := srv.connect(t), srv.connect(t)
	o, err := exclusives.New(background, a, 0)
	if err != nil {
		t.Fatal(err)
	}
	called := make(chan struct{})
	go func() {
		defer close(called)
		_, _ = exclusiveHang.Call(background, o)
	}()
	for {
		if st, err := b.Stats(background); err != nil || st.Running == 1 && st.ByKind["Object"] == 1 {
			break
		}
	}
	a.c.close(ErrClosed)
	<-called
	for {
		st, err := b.Stats(background)
		if err != nil || st.Waiting != 0 || st.Running != 1 {
			t.Fatalf("%+v, %v", st, err)
		}
		if st.Clients == 1 {
			if len(st.ByKind) > 0 {
				t.Errorf("%v", st.ByKind)
			}
			break
		}
	}
	release()
}

var exclusiveTake = Method(exclusives, "Take", func(*int, context.Context, []byte) (int, error) {
	hang()
	return 0, nil
})

// Arguments of calls that wait or run count against MaxBytes.
func TestArgumentsAreLimited(t *testing.T) {
	release := hold()
	srv := newTestServer(t, Config{MaxBytes: 1 << 20})
	m := srv.connect(t)
	o, err := exclusives.New(background, m, 0)
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error)
	const calls = 5
	for range calls {
		go func() {
			_, err := exclusiveTake.Call(background, o, make([]byte, 300<<10))
			errs <- err
		}()
	}
	for range calls - 3 { // three fit, of which one runs
		if err := <-errs; !errors.Is(err, ErrLimit) {
			t.Error(err)
		}
	}
	release()
	for range 3 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	srv.empties(t)
}

var holdUp = mp.Func("manager.holdUp", func(_ context.Context, v []byte) ([]byte, error) {
	hang()
	return v, nil
})

// So do those of functions that Compute calls, which are values of objects.
func TestComputedValuesAreLimited(t *testing.T) {
	release := hold()
	srv := newTestServer(t, Config{MaxBytes: 1 << 20})
	d, err := NewDict[string, []byte](srv.connect(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Set(background, "a", make([]byte, 300<<10)); err != nil {
		t.Fatal(err)
	}
	errs := make(chan error)
	const calls = 5
	for range calls {
		go func() {
			_, err := d.Compute(background, "a", holdUp)
			errs <- err
		}()
	}
	for range calls - 3 {
		if err := <-errs; !errors.Is(err, ErrLimit) {
			t.Error(err)
		}
	}
	release()
	for range 3 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if err := d.Clear(background); err != nil {
		t.Error(err)
	}
	srv.empties(t)
}
