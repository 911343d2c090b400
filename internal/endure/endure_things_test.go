//go:build linux

package endure

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/pipe"
	"github.com/go-multiproc/mp/shared"
)

var ctx = context.Background()

var double = mp.Func("endure.double", func(_ context.Context, x int) (int, error) { return 2 * x, nil })

// errWrong is of a thing that was made, and did not do what it is for.
var errWrong = errors.New("it does not work")

// things are one of each kind that the library makes: made, used and given back.
var things = []struct {
	name string
	do   func() error
}{
	{"a pool", func() error {
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
		if err != nil {
			return err
		}
		out, err := double.Map(ctx, pool, []int{1, 2, 3})
		return errors.Join(err, is(slices.Equal(out, []int{2, 4, 6})), pool.Close())
	}},
	{"a process", func() error {
		p, err := double.Start(ctx, 21)
		if err != nil {
			return err
		}
		out, err := p.Wait(ctx)
		return errors.Join(err, is(err != nil || out == 42), p.Close())
	}},
	{"a queue", func() error {
		q, err := shared.NewQueue[string](shared.QueueConfig{})
		if err != nil {
			return err
		}
		defer func() { _ = q.Free() }()
		if err := q.Put(ctx, "hello"); err != nil {
			return err
		}
		s, err := q.Get(ctx)
		return errors.Join(err, is(err != nil || s == "hello"))
	}},
	{"an array", func() error {
		a, err := shared.NewArray[float64](10_000)
		if err != nil {
			return err
		}
		a.Set(9999, 3)
		return errors.Join(is(a.Slice()[9999] == 3), a.Free())
	}},
	{"a block", func() error {
		b, err := shared.CreateBlock("", 64<<10)
		if err != nil {
			return err
		}
		b.Bytes()[64<<10-1] = 7
		return b.Close()
	}},
	{"a connection", func() error {
		here, there, err := pipe.New()
		if err != nil {
			return err
		}
		defer func() { _, _ = here.Close(), there.Close() }()
		return pass(here, there)
	}},
	{"a listener", func() error {
		return listen()
	}},
	{"a manager", func() error {
		m, err := manager.Start(manager.Config{})
		if err != nil {
			return err
		}
		d, err := manager.NewDict[string, int](m)
		if err == nil {
			err = d.Set(ctx, "one", 1)
		}
		return errors.Join(err, m.Stop(ctx))
	}},
}

// listen has a connection made over a listener. If none is made, one side knows why, and the other only that.
func listen() error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	tell := slog.New(slog.NewTextHandler(new(strings.Builder), &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if err, ok := a.Value.Any().(error); ok {
			cancel(fmt.Errorf("mp/pipe: turned away: %w", err))
		}
		return a
	}}))
	l, err := pipe.Listen("unix", "", pipe.Config{Logger: tell})
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	var here, there *pipe.Conn
	var dialling sync.WaitGroup
	dialling.Go(func() {
		var err error
		if here, err = pipe.Dial(ctx, "unix", l.Addr().String(), pipe.Config{}); err != nil {
			cancel(err)
		}
	})
	there, err = l.Accept(ctx)
	dialling.Wait()
	if here != nil {
		defer func() { _ = here.Close() }()
	}
	if err != nil {
		return context.Cause(ctx)
	}
	defer func() { _ = there.Close() }()
	if here == nil {
		return context.Cause(ctx)
	}
	return pass(here, there)
}

func is(ok bool) error {
	if !ok {
		return errWrong
	}
	return nil
}

func pass(from, to *pipe.Conn) error {
	if err := pipe.Send(ctx, from, "hello"); err != nil {
		return err
	}
	s, err := pipe.Recv[string](ctx, to)
	return errors.Join(err, is(err != nil || s == "hello"))
}

// A lack is what there is little of, as errors tell it.
type lack struct {
	errnos []syscall.Errno
	words  []string // of errors that were made elsewhere
}

func (l lack) explains(err error) bool {
	if errors.Is(err, errWrong) {
		return false
	}
	text := err.Error()
	told := slices.ContainsFunc(l.errnos, func(e syscall.Errno) bool { return errors.Is(err, e) || strings.Contains(text, e.Error()) })
	told = told || slices.ContainsFunc(l.words, func(w string) bool { return strings.Contains(text, w) })
	return told && strings.HasPrefix(text, "mp")
}

// attempt tries all things, each of which works or tells that the lack is the reason; it returns how many did not work.
func attempt(t *testing.T, what string, l lack) (failed int) {
	t.Helper()
	for _, thing := range things {
		switch err := thing.do(); {
		case err == nil:
		case l.explains(err):
			failed++
			t.Logf("%s: %s: %v", what, thing.name, err)
		default:
			t.Errorf("%s: %s: an error that does not tell what lacks: %v", what, thing.name, err)
		}
	}
	return failed
}

// work tries all things, each of which must work.
func work(t *testing.T, what string) {
	t.Helper()
	for _, thing := range things {
		if err := thing.do(); err != nil {
			t.Errorf("%s: %s: %v", what, thing.name, err)
		}
	}
}

// workBut is work where those that are named fail for a lack.
func workBut(t *testing.T, what string, l lack, but ...string) {
	t.Helper()
	for _, thing := range things {
		switch err := thing.do(); {
		case !slices.Contains(but, thing.name) && err != nil:
			t.Errorf("%s: %s: %v", what, thing.name, err)
		case slices.Contains(but, thing.name) && (err == nil || !l.explains(err)):
			t.Errorf("%s: %s: %v, which does not tell what lacks", what, thing.name, err)
		case err != nil:
			t.Logf("%s: %s: %v", what, thing.name, err)
		}
	}
}

// setSoft sets the limit for this process, and what it starts, that can be raised again.
func setSoft(t *testing.T, resource int, n uint64) (restore func()) {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(resource, &old); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: n, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(resource, &old); err != nil {
			panic(fmt.Sprint("the limit cannot be raised again: ", err))
		}
	}
}
