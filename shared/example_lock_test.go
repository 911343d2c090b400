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

// account is what the examples share: a mutex, and a balance that it guards.
type account struct {
	Mutex   *shared.Mutex
	Balance *shared.Array[int]
	Open    *shared.Event
}

var deposit = mp.Func("example.deposit", func(ctx context.Context, a account) (int, error) {
	for range 1000 {
		if err := a.Mutex.Lock(ctx); err != nil {
			return 0, err
		}
		a.Balance.Slice()[0]++
		if err := a.Mutex.Unlock(); err != nil {
			return 0, err
		}
	}
	return 1000, nil
})

// robbed is killed while it has the mutex.
var robbed = mp.Func("example.robbed", func(ctx context.Context, a account) (int, error) {
	if err := errors.Join(a.Mutex.Lock(ctx), a.Open.Set()); err != nil {
		return 0, err
	}
	a.Balance.Set(0, -1)
	select {}
})

// Four processes add to one number.
func ExampleMutex() {
	mp.Main()
	ctx := context.Background()
	mutex, err := shared.NewMutex()
	if err != nil {
		fmt.Println(err)
		return
	}
	balance, err := shared.NewArray[int](1)
	if err != nil {
		fmt.Println(err)
		return
	}
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	a := account{Mutex: mutex, Balance: balance}
	_, err = deposit.Map(ctx, pool, []account{a, a, a, a})
	fmt.Println(balance.At(0), err)
	// Output: 4000 <nil>
}

// The owner of a mutex is killed. The next one has the mutex, hears of it, and repairs what the mutex guards.
func ExampleMutex_Lock_ownerDied() {
	mp.Main()
	ctx := context.Background()
	mutex, err := shared.NewMutex()
	if err != nil {
		fmt.Println(err)
		return
	}
	balance, err := shared.NewArray[int](1)
	if err != nil {
		fmt.Println(err)
		return
	}
	open, err := shared.NewEvent()
	if err != nil {
		fmt.Println(err)
		return
	}
	victim, err := robbed.Start(ctx, account{mutex, balance, open})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(open.Wait(ctx)) // until it has the mutex
	fmt.Println(victim.Kill())

	err = mutex.Lock(ctx)
	if errors.Is(err, shared.ErrOwnerDied) {
		fmt.Println("repairing")
		balance.Set(0, 0)
	} else if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(balance.At(0), mutex.Unlock())
	// Output:
	// <nil>
	// <nil>
	// repairing
	// 0 <nil>
}

// The holder of an RMutex is who has the context that Lock returned.
func ExampleRMutex() {
	mutex, err := shared.NewRMutex()
	if err != nil {
		fmt.Println(err)
		return
	}
	outer, err := mutex.Lock(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	inner, err := mutex.Lock(outer) // does not wait
	fmt.Println("nested:", err)
	fmt.Println(mutex.Unlock(inner), mutex.Locked())
	fmt.Println(mutex.Unlock(outer), mutex.Locked())
	// Output:
	// nested: <nil>
	// <nil> true
	// <nil> false
}

func ExampleRWMutex() {
	ctx := context.Background()
	mutex, err := shared.NewRWMutex()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(mutex.RLock(ctx), mutex.RLock(ctx)) // two read
	taken, err := mutex.TryLock()
	fmt.Println("a writer gets in:", taken, err)
	fmt.Println(mutex.RUnlock(), mutex.RUnlock())
	taken, err = mutex.TryLock()
	fmt.Println("a writer gets in:", taken, err)
	// Output:
	// <nil> <nil>
	// a writer gets in: false <nil>
	// <nil> <nil>
	// a writer gets in: true <nil>
}

// limited is work of which two processes do some at a time.
type limited struct {
	Permits      *shared.Semaphore
	Inside, Most *shared.Value[int]
}

var doLimited = mp.Func("example.doLimited", func(ctx context.Context, l limited) (int, error) {
	if err := l.Permits.Acquire(ctx); err != nil {
		return 0, err
	}
	inside := shared.Add(l.Inside, 1)
	shared.Add(l.Inside, -1)
	_, err := l.Most.Update(ctx, func(most int) int { return max(most, inside) })
	return inside, errors.Join(err, l.Permits.Release())
})

// Of a hundred pieces of work on four workers, no more than two are done at a time.
func ExampleSemaphore() {
	mp.Main()
	ctx := context.Background()
	permits, err := shared.NewBoundedSemaphore(2)
	if err != nil {
		fmt.Println(err)
		return
	}
	inside, err := shared.NewValue(0)
	if err != nil {
		fmt.Println(err)
		return
	}
	most, err := shared.NewValue(0)
	if err != nil {
		fmt.Println(err)
		return
	}
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	work := make([]limited, 100)
	for i := range work {
		work[i] = limited{permits, inside, most}
	}
	_, err = doLimited.Map(ctx, pool, work)
	fmt.Println(most.Load() <= 2, err)
	fmt.Println(permits.Value(), "are free;", "one more:", permits.Release())
	// Output:
	// true <nil>
	// 2 are free; one more: mp/shared: out of bounds
}

// A Cond waits for a change of what its mutex guards.
func ExampleCond() {
	mp.Main()
	ctx := context.Background()
	mutex, err := shared.NewMutex()
	if err != nil {
		fmt.Println(err)
		return
	}
	changed, err := shared.NewCond(mutex)
	if err != nil {
		fmt.Println(err)
		return
	}
	stock, err := shared.NewArray[int](1)
	if err != nil {
		fmt.Println(err)
		return
	}
	delivery, err := deliver.Start(ctx, shop{mutex, changed, stock})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = mutex.Do(ctx, func() error {
		err := changed.WaitFor(ctx, func() bool { return stock.At(0) >= 3 })
		fmt.Println("in stock:", stock.At(0), err)
		return err
	})
	_, failed := delivery.Wait(ctx)
	fmt.Println(err, failed)
	// Output:
	// in stock: 3 <nil>
	// <nil> <nil>
}

type shop struct {
	Mutex   *shared.Mutex
	Changed *shared.Cond
	Stock   *shared.Array[int]
}

var deliver = mp.Func("example.deliver", func(ctx context.Context, s shop) (int, error) {
	return 3, s.Mutex.Do(ctx, func() error {
		s.Stock.Set(0, 3)
		return s.Changed.Broadcast()
	})
})

// Two processes start at the same moment.
func ExampleEvent() {
	mp.Main()
	ctx := context.Background()
	start, err := shared.NewEvent()
	if err != nil {
		fmt.Println(err)
		return
	}
	var runners []*mp.Process[string]
	for range 2 {
		runner, err := run.Start(ctx, start)
		if err != nil {
			fmt.Println(err)
			return
		}
		runners = append(runners, runner)
	}
	fmt.Println(start.Set())
	for _, runner := range runners {
		fmt.Println(runner.Wait(ctx))
	}
	// Output:
	// <nil>
	// ran <nil>
	// ran <nil>
}

var run = mp.Func("example.run", func(ctx context.Context, start *shared.Event) (string, error) {
	return "ran", start.Wait(ctx)
})

// Each party goes on when all have come. Who is to do something once, for all, between two rounds, is the one that came first.
func ExampleBarrier() {
	ctx := context.Background()
	const parties = 3
	barrier, err := shared.NewBarrier(parties)
	if err != nil {
		fmt.Println(err)
		return
	}
	var wg sync.WaitGroup
	for range parties {
		wg.Go(func() {
			for round := range 2 {
				arrival, err := barrier.Wait(ctx)
				if err == nil && arrival == 0 {
					fmt.Println("all have come to round", round)
				}
				if _, err = barrier.Wait(ctx); err != nil { // until that is said
					return
				}
			}
		})
	}
	wg.Wait()
	// Output:
	// all have come to round 0
	// all have come to round 1
}

// Three pieces of work are done, by whomever.
func ExampleWaitGroup() {
	mp.Main()
	ctx := context.Background()
	group, err := shared.NewWaitGroup()
	if err != nil {
		fmt.Println(err)
		return
	}
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	for range 3 {
		if err := group.Add(1); err != nil {
			fmt.Println(err)
			return
		}
		finish.Go(ctx, pool, group)
	}
	fmt.Println("all are done:", group.Wait(ctx))
	// Output: all are done: <nil>
}

var finish = mp.Func("example.finish", func(_ context.Context, group *shared.WaitGroup) (int, error) { return 0, group.Done() })
