//go:build linux

package shared_test

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// A mutex for a package that wants a sync.Locker: here for a sync.Cond of this process.
func ExampleMutex_Locker() {
	mutex, err := shared.NewMutex()
	if err != nil {
		fmt.Println(err)
		return
	}
	ready := false
	changed := sync.NewCond(mutex.Locker())
	go func() {
		changed.L.Lock()
		defer changed.L.Unlock()
		ready = true
		changed.Signal()
	}()
	changed.L.Lock()
	for !ready {
		changed.Wait()
	}
	fmt.Println("locked:", mutex.Locked())
	changed.L.Unlock()
	// Output: locked: true
}

var unlockElsewhere = mp.Func("example.unlockElsewhere", func(_ context.Context, mutex *shared.Mutex) (string, error) {
	if errors.Is(mutex.Unlock(), shared.ErrNotOwner) {
		return "it is another process's", nil
	}
	return "unlocked", nil
})

// Nobody can unlock what another process holds.
func ExampleMutex_Unlock() {
	mp.Main()
	ctx := context.Background()
	mutex, err := shared.NewMutex()
	if err == nil {
		err = mutex.Lock(ctx)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	process, err := unlockElsewhere.Start(ctx, mutex)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(process.Wait(ctx))
	fmt.Println(mutex.Unlock())
	// Output:
	// it is another process's <nil>
	// <nil>
}

// Who only looks does not wait while somebody writes.
func ExampleRWMutex_TryRLock() {
	ctx := context.Background()
	mutex, err := shared.NewRWMutex()
	if err != nil {
		fmt.Println(err)
		return
	}
	err = mutex.Lock(ctx)
	taken, err2 := mutex.TryRLock()
	fmt.Println(taken, errors.Join(err, err2, mutex.Unlock()))
	taken, err = mutex.TryRLock()
	fmt.Println(taken, errors.Join(err, mutex.RUnlock()))
	// Output:
	// false <nil>
	// true <nil>
}

// Permits that belong to nobody are tickets: one process hands them out, others use them up.
func ExampleNewSemaphore() {
	tickets, err := shared.NewSemaphore(0)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tickets.TryAcquire())
	fmt.Println(tickets.Release(), tickets.Value()) // as many as one likes
	fmt.Println(tickets.TryAcquire())
	// Output:
	// false <nil>
	// <nil> 1
	// true <nil>
}

// An event that is cleared can be waited for once more.
func ExampleEvent_Clear() {
	reload, err := shared.NewEvent()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(reload.Set(), reload.IsSet())
	fmt.Println(reload.Clear(), reload.IsSet())
	// Output:
	// <nil> true
	// <nil> false
}

// A desk at which one customer is served at a time: Signal(1) calls the next, and no other.
func ExampleCond_Signal() {
	ctx := context.Background()
	mutex, err := shared.NewMutex()
	if err != nil {
		fmt.Println(err)
		return
	}
	next, err := shared.NewCond(mutex)
	if err != nil {
		fmt.Println(err)
		return
	}
	desks, served := 0, make(chan error)
	for range 2 {
		go func() {
			served <- mutex.Do(ctx, func() error {
				err := next.WaitFor(ctx, func() bool { return desks > 0 })
				desks--
				return err
			})
		}()
	}
	for range 2 {
		err := mutex.Do(ctx, func() error {
			desks++
			return next.Signal(1)
		})
		fmt.Println(<-served, err)
	}
	// Output:
	// <nil> <nil>
	// <nil> <nil>
}
