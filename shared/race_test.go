//go:build linux

package shared_test

import (
	"sync"
	"testing"

	"github.com/go-multiproc/mp/shared"
)

// What orders the goroutines of this process orders what they do to its own memory, and the race detector knows: each of these would be
// a report if it did not, and the count wrong if it were not so.
func TestRaceDetectorIsTold(t *testing.T) {
	noLeaks(t)
	mutex := fresh(shared.NewMutex())(t)
	rw := fresh(shared.NewRWMutex())(t)
	sem := fresh(shared.NewBoundedSemaphore(1))(t)
	for what, pair := range map[string][2]func() error{
		"Mutex":     {func() error { return mutex.Lock(ctx) }, mutex.Unlock},
		"RWMutex":   {func() error { return rw.Lock(ctx) }, rw.Unlock},
		"Semaphore": {func() error { return sem.Acquire(ctx) }, sem.Release},
	} {
		count := 0
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 100 {
					ok(t, pair[0]())
					count++
					ok(t, pair[1]())
				}
			})
		}
		all.Wait()
		if count != 400 {
			t.Errorf("%s: %d", what, count)
		}
	}

	queue := fresh(shared.NewQueue[int](shared.QueueConfig{}))(t)
	event := fresh(shared.NewEvent())(t)
	group := fresh(shared.NewWaitGroup())(t)
	value := fresh(shared.NewValue(0))(t)
	ok(t, group.Add(1))
	var sent, set, done, stored int
	go func() {
		sent = 1
		ok(t, queue.Put(ctx, 1))
		set = 1
		ok(t, event.Set())
		stored = 1
		value.Store(1)
		done = 1
		ok(t, group.Done())
	}()
	if _, err := queue.Get(ctx); err != nil || sent != 1 {
		t.Error(err, sent)
	}
	ok(t, event.Wait(ctx))
	if set != 1 {
		t.Error("the event")
	}
	eventually(t, "the value", func() bool { return value.Load() == 1 })
	if stored != 1 {
		t.Error("the value")
	}
	ok(t, group.Wait(ctx))
	if done != 1 {
		t.Error("the wait group")
	}
}
