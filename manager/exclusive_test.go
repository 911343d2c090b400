package manager_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
)

// A desk is for one at a time, and says so when there are two.
type desk struct {
	inside int // without a lock: the race detector looks as well
	order  []int
}

var errCrowd = errors.New("two at the desk")

func init() { mp.RegisterError("manager_test.errCrowd", errCrowd) }

// visit stays as long as the caller's context lives, if it is asked to.
func (d *desk) visit(ctx context.Context, who int, stay bool) (int, error) {
	d.inside++
	defer func() { d.inside-- }()
	if d.inside != 1 {
		return 0, errCrowd
	}
	d.order = append(d.order, who)
	if stay {
		<-ctx.Done()
	}
	runtime.Gosched()
	if d.inside != 1 {
		return 0, errCrowd
	}
	return len(d.order), nil
}

var (
	desks     = manager.Class("manager_test.desk", func(context.Context, struct{}) (*desk, error) { return &desk{}, nil }, manager.Exclusive())
	deskVisit = manager.Method2(desks, "visit", (*desk).visit)
	deskPanic = manager.Method0(desks, "panic", func(*desk, context.Context) (int, error) { panic("at the desk") })
	deskExit  = manager.Method0(desks, "exit", func(*desk, context.Context) (int, error) {
		runtime.Goexit()
		return 0, nil
	})
)

// Methods of an exclusive class run one at a time, whatever becomes of each.
func TestExclusive(t *testing.T) {
	o := must(desks.New(ctx, inProcess(t), struct{}{}))
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			switch i % 5 {
			case 0:
				if _, err := deskPanic.Call(ctx, o); !isPanic(err) {
					t.Errorf("a panic: %v", err)
				}
			case 1:
				if _, err := deskExit.Call(ctx, o); !isPanic(err) {
					t.Errorf("an exit: %v", err)
				}
			default:
				if _, err := deskVisit.Call(ctx, o, i, false); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if n := must(deskVisit.Call(ctx, o, 0, false)); n != 31 {
		t.Errorf("%d visits", n)
	}
}

func isPanic(err error) bool {
	var p *mp.PanicError
	return errors.As(err, &p)
}

// Who waits for the desk can go again, and then the others come in their order.
func TestExclusiveCancelled(t *testing.T) {
	m := inProcess(t)
	o := must(desks.New(ctx, m, struct{}{}))
	staying, leave := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() { _, _ = deskVisit.Call(staying, o, 0, true) })
	eventually(t, "one is at the desk", func() bool { return must(m.Stats(ctx)).Running == 1 })
	waiting, giveUp := context.WithCancel(ctx)
	gone := make(chan error)
	go func() { _, err := deskVisit.Call(waiting, o, 1, false); gone <- err }()
	eventually(t, "one waits", func() bool { return must(m.Stats(ctx)).Waiting == 1 })
	group.Go(func() {
		if n, err := deskVisit.Call(ctx, o, 2, false); n != 2 || err != nil {
			t.Errorf("visit %d, %v", n, err)
		}
	})
	eventually(t, "two wait", func() bool { return must(m.Stats(ctx)).Waiting == 2 })
	giveUp()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	leave()
	group.Wait()
}

// What has a method Close is closed when nothing refers to it any more, and no method of it runs.
func TestObjectIsClosed(t *testing.T) {
	m := inProcess(t)
	closed := make(chan struct{})
	lastClosed.Store(closed)
	defer lastClosed.Store((chan struct{})(nil))
	func() {
		o := must(counters.New(ctx, m, 1))
		must(counterAdd.Call(ctx, o, 1))
	}()
	eventually(t, "it is closed", func() bool {
		runtime.GC()
		select {
		case <-closed:
			return true
		default:
			return false
		}
	})
}

// T127: a method that was not registered, and one of another type, are errors of their caller.
func TestUnknownMethods(t *testing.T) {
	m := inProcess(t)
	o := must(desks.New(ctx, m, struct{}{}))
	b, err := o.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var other manager.Object[*counter]
	if err := other.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	if _, err := counterAdd.Call(ctx, &other, 1); err == nil {
		t.Error("a desk was counted with")
	}
}
