package manager_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/shared"
)

// Permits that belong to nobody: one program hands out work, and others take it.
func ExampleNewSemaphore() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{}) // or Start: a process of its own
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	work, err := manager.NewSemaphore(m, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(work.Release(ctx), work.Release(ctx))
	fmt.Println(work.Acquire(ctx))
	fmt.Println(work.Value(ctx))
	// Output:
	// <nil> <nil>
	// <nil>
	// 1 <nil>
}

// A party that cannot go on breaks the barrier, and the others need not wait for it.
func ExampleBarrier_Abort() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	barrier, err := manager.NewBarrier(m, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	waited := make(chan error)
	go func() {
		_, err := barrier.Wait(ctx)
		waited <- err
	}()
	for n := 0; n == 0 && err == nil; n, err = barrier.Waiting(ctx) { // until one of three has come
		runtime.Gosched()
	}
	fmt.Println(barrier.Parties(ctx))
	fmt.Println(barrier.Abort(ctx), errors.Is(<-waited, shared.ErrBroken))
	fmt.Println(barrier.Reset(ctx))
	fmt.Println(barrier.Broken(ctx))
	// Output:
	// 3 <nil>
	// <nil> true
	// <nil>
	// false <nil>
}

// An event that is cleared can be waited for once more.
func ExampleEvent_Clear() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	reload, err := manager.NewEvent(m)
	if err == nil {
		err = errors.Join(reload.Set(ctx), reload.Clear(ctx))
	}
	set, err2 := reload.IsSet(ctx)
	fmt.Println(set, errors.Join(err, err2))
	// Output: false <nil>
}

// Who only looks does not wait while somebody writes.
func ExampleRWMutex_TryRLock() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	catalogue, err := manager.NewRWMutex(m)
	if err == nil {
		err = catalogue.Lock(ctx)
	}
	read, err2 := catalogue.TryRLock(ctx)
	fmt.Println(read, errors.Join(err, err2, catalogue.Unlock(ctx)))
	// Output: false <nil>
}

// Signal wakes as many as there is something for.
func ExampleCond_Signal() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	mutex, err := manager.NewMutex(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	arrived, err := manager.NewCond(m, mutex)
	if err != nil {
		fmt.Println(err)
		return
	}
	parcels, taken := 0, make(chan error)
	go func() {
		taken <- mutex.Do(ctx, func() error {
			err := arrived.WaitFor(ctx, func() bool { return parcels > 0 })
			parcels--
			return err
		})
	}()
	err = mutex.Do(ctx, func() error {
		parcels++
		return arrived.Signal(ctx, 1)
	})
	fmt.Println(<-taken, err, parcels)
	fmt.Println(mutex.Locked(ctx))
	// Output:
	// <nil> <nil> 0
	// false <nil>
}
