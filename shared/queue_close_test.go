package shared_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// T038, T039, T214, T215: a queue that is closed takes nothing more, gives what it has, and then says that it is closed, used
// or not. To close it twice is fine.
func TestQueueClose(t *testing.T) {
	noLeaks(t)
	for _, items := range []int{0, 3} {
		q := fresh(shared.NewQueue[int](shared.QueueConfig{}))(t)
		for i := range items {
			ok(t, q.Put(ctx, i))
		}
		ok(t, q.Close())
		ok(t, q.Close())
		wants(t, "Put", q.Put(ctx, 9), shared.ErrClosed)
		wants(t, "TryPut", q.TryPut(9), shared.ErrClosed)
		if q.Len() != items || !strings.Contains(q.String(), "closed") {
			t.Error(q)
		}
		n := 0
		for item, err := range q.All(ctx) {
			if item != n || err != nil {
				t.Errorf("item %d: %d, %v", n, item, err)
			}
			n++
		}
		if n != items || q.Len() != 0 {
			t.Errorf("%d of %d items", n, items)
		}
		_, err := q.Get(ctx)
		wants(t, "Get", err, shared.ErrClosed)
		_, err = q.TryGet()
		wants(t, "TryGet", err, shared.ErrClosed)
		_, err = q.Take(ctx)
		wants(t, "Take", err, shared.ErrClosed)
		_, err = q.TryTake()
		wants(t, "TryTake", err, shared.ErrClosed)
		ok(t, q.Close())
	}
}

type closing struct {
	Q      *shared.Queue[int]
	Inside *shared.Value[int64]
	Puts   bool
}

// useUntilClosed gets or puts until the queue is closed, and says how often it could.
var useUntilClosed = mp.Func("useUntilClosed", func(ctx context.Context, c closing) (n int, err error) {
	shared.Add(c.Inside, 1)
	for ; ; n++ {
		if c.Puts {
			err = c.Q.Put(ctx, 1)
		} else {
			_, err = c.Q.Get(ctx)
		}
		if errors.Is(err, shared.ErrClosed) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
})

// Close lets go who waits, on both sides, and what was put before it is taken.
func TestQueueCloseWakesAll(t *testing.T) {
	for what, puts := range map[string]bool{"who gets": false, "who puts": true} {
		t.Run(what, func(t *testing.T) {
			onBoth(t, func(t *testing.T, where venue) {
				c := closing{fresh(shared.NewQueue[int](shared.QueueConfig{Capacity: 2}))(t), fresh(shared.NewValue(int64(0)))(t), puts}
				var wg sync.WaitGroup
				wg.Go(func() { everywhere(t, where, useUntilClosed, c, c, c) })
				eventually(t, "three wait", func() bool { return c.Inside.Load() == 3 && (!puts || c.Q.Len() == 2) })
				ok(t, c.Q.Close())
				wg.Wait()
				if want := map[bool]int{true: 2}[puts]; c.Q.Len() != want {
					t.Errorf("%v, want %d", c.Q, want)
				}
			})
		})
	}
}

// Close in the middle of traffic: each item that Put took is taken, and none that it refused.
func TestQueueCloseUnderLoad(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		c := closing{fresh(shared.NewQueue[int](shared.QueueConfig{Capacity: 10}))(t), fresh(shared.NewValue(int64(0)))(t), false}
		putter := c
		putter.Puts = true
		var wg sync.WaitGroup
		wg.Go(func() {
			n := everywhere(t, where, useUntilClosed, c, c, putter, putter)
			if n[0]+n[1] != n[2]+n[3] {
				t.Errorf("%d taken of %d", n[0]+n[1], n[2]+n[3])
			}
		})
		eventually(t, "all are at it", func() bool { return c.Inside.Load() == 4 })
		ok(t, c.Q.Close())
		wg.Wait()
	})
}

var putAndLeave = mp.Func("putAndLeave", func(ctx context.Context, q *shared.Queue[[]byte]) (int, error) {
	for range 20 {
		if err := q.Put(ctx, make([]byte, 200_000)); err != nil {
			return 0, err
		}
	}
	return 20, nil
})

// W07, H18: a process that has put ends, whether anybody reads or not, and what it has put is there.
func TestQueueExitWithUnreadItems(t *testing.T) {
	noLeaks(t)
	q := fresh(shared.NewQueue[[]byte](shared.QueueConfig{}))(t)
	p := start(t, putAndLeave, q)
	resultOf(t, p) // before anybody gets
	<-p.Done()
	if p.ExitCode() != 0 || q.Len() != 20 {
		t.Errorf("exit code %d, %v", p.ExitCode(), q)
	}
	for range 20 {
		if b, err := q.TryGet(); len(b) != 200_000 || err != nil {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
	}
}

type tasks struct {
	Q    *shared.Queue[int]
	Done *shared.Value[int64]
}

var doTasks = mp.Func("doTasks", func(ctx context.Context, w tasks) (n int, err error) {
	for _, err := range w.Q.All(ctx) {
		if err != nil {
			return n, err
		}
		shared.Add(w.Done, 1)
		if err := w.Q.TaskDone(); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
})

// T034: Join returns when four workers have said of all items that they are done, and not before.
func TestQueueJoin(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		w := tasks{fresh(shared.NewQueue[int](shared.QueueConfig{}))(t), fresh(shared.NewValue(int64(0)))(t)}
		ok(t, w.Q.Join(ctx)) // nothing was put
		wants(t, "TaskDone of nothing", w.Q.TaskDone(), shared.ErrBound)
		for i := range 10 {
			ok(t, w.Q.Put(ctx, i))
		}
		lasts(t, w.Q.Join)
		var wg sync.WaitGroup
		wg.Go(func() { everywhere(t, where, doTasks, w, w, w, w) })
		ok(t, w.Q.Join(ctx))
		if w.Done.Load() != 10 {
			t.Errorf("%d were done", w.Done.Load())
		}
		wants(t, "TaskDone once more", w.Q.TaskDone(), shared.ErrBound)
		ok(t, w.Q.Put(ctx, 11)) // it can be used on
		ok(t, w.Q.Join(ctx))
		ok(t, w.Q.Close())
		wg.Wait()
		ok(t, w.Q.Join(ctx))
	})
}
