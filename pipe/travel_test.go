//go:build linux

package pipe_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/pipe"
	"github.com/go-multiproc/mp/shared"
)

type ends = *shared.Queue[*pipe.Conn]

var ctx = context.Background()

var (
	putsEnd = mp.Func("putsEnd", func(ctx context.Context, q ends) (int, error) {
		here, there, err := pipe.New()
		if err != nil {
			return 0, err
		}
		return 0, errors.Join(q.Put(ctx, there), pipe.Send(ctx, here, "through a queue"), here.Close())
	})
	getsEnd = mp.Func("getsEnd", func(ctx context.Context, q ends) (string, error) {
		c, err := q.Get(ctx)
		if err != nil {
			return "", err
		}
		s, err := pipe.Recv[string](ctx, c)
		return s, errors.Join(err, c.Close())
	})
	ready = mp.Func("ready", func(ctx context.Context, e *shared.Event) (int, error) { return 0, e.Set() })
)

func newQueue(t *testing.T, c shared.QueueConfig) ends {
	t.Helper()
	q, err := shared.NewQueue[*pipe.Conn](c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Free() })
	return q
}

// T171, F120: an end goes from one process through a queue to another, when the first has ended.
func TestThroughAQueue(t *testing.T) {
	q := newQueue(t, shared.QueueConfig{})
	for range 3 {
		p, err := putsEnd.Start(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		p, err := getsEnd.Start(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := p.Wait(ctx); s != "through a queue" || err != nil {
			t.Error(s, err)
		}
	}
	c, err := q.Get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := pipe.Recv[string](ctx, c); s != "through a queue" || err != nil {
		t.Error(s, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// An end for which there was no room in a queue is given up.
func TestFullQueue(t *testing.T) {
	q := newQueue(t, shared.QueueConfig{Capacity: 1})
	if err := q.Put(ctx, nil); err != nil {
		t.Fatal(err)
	}
	here, there, err := pipe.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := q.TryPut(there); !errors.Is(err, shared.ErrFull) {
		t.Error(err)
	}
	if _, err := here.RecvBytes(ctx); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if err := here.Close(); err != nil {
		t.Error(err)
	}
}

// T178: connections, processes and events can be waited for together.
func TestWaitForAll(t *testing.T) {
	here, there, err := pipe.New()
	if err != nil {
		t.Fatal(err)
	}
	event, err := shared.NewEvent()
	if err != nil {
		t.Fatal(err)
	}
	p, err := ready.Start(ctx, event)
	if err != nil {
		t.Fatal(err)
	}
	for what, things := range map[string][]pipe.Waitable{"the process": {here, p}, "the event": {event, here}} {
		got, err := pipe.Wait(ctx, things...)
		if err != nil || len(got) != 1 || got[0] == pipe.Waitable(here) {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
	if err := pipe.Send(ctx, there, 1); err != nil {
		t.Fatal(err)
	}
	got, err := pipe.Wait(ctx, p, here, event)
	if err != nil || fmt.Sprint(got) != fmt.Sprint([]pipe.Waitable{p, here, event}) {
		t.Error(got, err)
	}
	if err := errors.Join(here.Close(), there.Close(), event.Free()); err != nil {
		t.Error(err)
	}
}
