package manager_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
)

// A counter is a class of one's own.
type counter struct {
	mu     sync.Mutex
	n      int
	closed chan struct{}
}

var errNegative = errors.New("negative")

func init() { mp.RegisterError("manager_test.errNegative", errNegative) }

func (c *counter) Add(_ context.Context, x int) (int, error) {
	if x < 0 {
		return 0, errNegative
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += x
	return c.n, nil
}

func (c *counter) Close() error {
	if c.closed != nil {
		close(c.closed)
	}
	return nil
}

var (
	counters = manager.Class("manager_test.counter", func(_ context.Context, start int) (*counter, error) {
		if start < 0 {
			return nil, errNegative
		}
		return &counter{n: start, closed: nextClosed()}, nil
	})
	counterAdd   = manager.Method(counters, "Add", (*counter).Add)
	counterPanic = manager.Method0(counters, "Panic", func(*counter, context.Context) (int, error) { panic(errNegative) })
	counterWait  = manager.Method0(counters, "Wait", func(_ *counter, ctx context.Context) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	})
	counterSum   = manager.Method2(counters, "Sum", func(_ *counter, _ context.Context, a, b int) (int, error) { return a + b, nil })
	counterTimes = manager.Method3(counters, "Times", func(_ *counter, _ context.Context, a, b, c int) (int, error) { return a * b * c, nil })
	// counterTwin returns another object, and counterDict one of another kind.
	counterTwin = manager.Method0(counters, "Twin", func(c *counter, ctx context.Context) (*manager.Object[*counter], error) {
		return counters.New(ctx, manager.FromContext(ctx), c.n)
	})
	counterDict = manager.Method0(counters, "Dict", func(_ *counter, ctx context.Context) (*manager.Dict[string, int], error) {
		d, err := manager.NewDict[string, int](manager.FromContext(ctx))
		if err != nil {
			return nil, err
		}
		return d, d.Set(ctx, "made", 1)
	})

	lastClosed atomic.Value
)

func nextClosed() chan struct{} {
	ch, _ := lastClosed.Load().(chan struct{})
	return ch
}

// T127: a class with methods, objects that return objects, errors that keep their type.
func TestClass(t *testing.T) {
	m := inProcess(t)
	o := must(counters.New(ctx, m, 10))
	if n := must(counterAdd.Call(ctx, o, 5)); n != 15 {
		t.Error(n)
	}
	if n := must(counterSum.Call(ctx, o, 2, 3)); n != 5 {
		t.Error(n)
	}
	if n := must(counterTimes.Call(ctx, o, 2, 3, 4)); n != 24 {
		t.Error(n)
	}
	if _, err := counterAdd.Call(ctx, o, -1); !errors.Is(err, errNegative) {
		t.Errorf("the method's error: %v", err)
	}
	if _, err := counters.New(ctx, m, -1); !errors.Is(err, errNegative) {
		t.Errorf("the class's error: %v", err)
	}
	twin := must(counterTwin.Call(ctx, o))
	if n := must(counterAdd.Call(ctx, twin, 1)); n != 16 {
		t.Errorf("the twin has %d", n)
	}
	if n := must(counterAdd.Call(ctx, o, 0)); n != 15 {
		t.Errorf("and it has %d", n)
	}
	if n := must(must(counterDict.Call(ctx, o)).Get(ctx, "made")); n != 1 {
		t.Error(n)
	}
}

// T127: a panic in a method is its caller's error, with the place, and the server lives on.
func TestPanicInMethod(t *testing.T) {
	o := must(counters.New(ctx, inProcess(t), 0))
	_, err := counterPanic.Call(ctx, o)
	var p *mp.PanicError
	if !errors.As(err, &p) || !errors.Is(err, errNegative) || !strings.Contains(p.Stack, "class_test.go") {
		t.Errorf("%v", err)
	}
	if n := must(counterAdd.Call(ctx, o, 1)); n != 1 {
		t.Error("the server did not live on")
	}
}

func TestCancelledMethod(t *testing.T) {
	m := inProcess(t)
	o := must(counters.New(ctx, m, 0))
	limited, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if _, err := counterWait.Call(limited, o); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	eventually(t, "nothing runs", func() bool { return must(m.Stats(ctx)).Running == 0 })
}
