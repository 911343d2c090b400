//go:build linux

package manager_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/shared"
)

// newManager is a server for an example.
func newManager() (*manager.Manager, func()) {
	m, err := manager.Start(manager.Config{})
	if err != nil {
		panic(err)
	}
	return m, func() { _ = m.Stop(context.Background()) } // it has been killed by then, or ends now
}

var countWord = mp.Func2("example.countWord", func(ctx context.Context, counts *manager.Dict[string, int], word string) (int, error) {
	return counts.Compute(ctx, word, oneMore)
})

var oneMore = mp.Func("example.oneMore", func(_ context.Context, n int) (int, error) { return n + 1, nil })

// Workers count words in one dict. Compute loses no increment, however many count at once.
func ExampleDict() {
	mp.Main()
	m, stop := newManager()
	defer stop()
	counts, err := manager.NewDict[string, int](m)
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
	var calls []mp.Args2[*manager.Dict[string, int], string]
	for _, word := range []string{"a", "rose", "is", "a", "rose", "is", "a", "rose"} {
		calls = append(calls, mp.Pack2(counts, word))
	}
	ctx := context.Background()
	if _, err := countWord.Map(ctx, pool, calls); err != nil {
		fmt.Println(err)
		return
	}
	all, err := counts.Copy(ctx)
	fmt.Println(all, err)
	_, err = counts.Get(ctx, "lily")
	fmt.Println(errors.Is(err, manager.ErrNotFound))
	// Output:
	// map[a:3 is:2 rose:3] <nil>
	// true
}

// A thousand keys in one message, and a loop over a snapshot.
func ExampleDict_All() {
	mp.Main()
	m, stop := newManager()
	defer stop()
	squares, err := manager.NewDict[int, int](m)
	if err != nil {
		fmt.Println(err)
		return
	}
	values := make(map[int]int)
	for i := range 1000 {
		values[i] = i * i
	}
	ctx := context.Background()
	if err := squares.Update(ctx, values); err != nil {
		fmt.Println(err)
		return
	}
	sum := 0
	for e, err := range squares.All(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		sum += e.Value
	}
	fmt.Println(sum)
	// Output: 332833500
}

// The classic work queue for other programs: they connect, look it up, and take from it.
func ExampleLookup() {
	mp.Main()
	m, err := manager.Start(manager.Config{Address: "127.0.0.1:0", AuthKey: []byte("known to both")})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer m.Stop(ctx)
	jobs, err := manager.NewQueue[string](m, shared.QueueConfig{})
	if err == nil {
		err = errors.Join(manager.Publish(ctx, m, "jobs", jobs), jobs.Put(ctx, "resize cat.png"))
	}
	if err != nil {
		fmt.Println(err)
		return
	}

	// In another program, perhaps on another machine:
	there, err := manager.Connect(ctx, m.Address(), manager.Config{AuthKey: []byte("known to both")})
	if err != nil {
		fmt.Println(err)
		return
	}
	theirs, err := manager.Lookup[*manager.Queue[string]](ctx, there, "jobs")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(theirs.Get(ctx))
	// Output: resize cat.png <nil>
}

func ExampleMutex() {
	mp.Main()
	m, stop := newManager()
	defer stop()
	ctx := context.Background()
	mu, err := manager.NewMutex(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = mu.Do(ctx, func() error {
		taken, err := mu.TryLock(ctx)
		fmt.Println("taken twice:", taken)
		return err
	})
	fmt.Println(err)
	// Output:
	// taken twice: false
	// <nil>
}

func ExampleSemaphore() {
	mp.Main()
	m, stop := newManager()
	defer stop()
	ctx := context.Background()
	seats, err := manager.NewBoundedSemaphore(m, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = errors.Join(seats.Acquire(ctx), seats.Acquire(ctx))
	third, err2 := seats.TryAcquire(ctx)
	fmt.Println(third, errors.Join(err, err2))
	err = errors.Join(seats.Release(ctx), seats.Release(ctx))
	fmt.Println(err, errors.Is(seats.Release(ctx), shared.ErrBound))
	// Output:
	// false <nil>
	// <nil> true
}

func ExampleEvent() {
	mp.Main()
	m, stop := newManager()
	defer stop()
	ctx := context.Background()
	done, err := manager.NewEvent(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() { _ = done.Set(ctx) }() // in another process as well
	err = done.Wait(ctx)
	set, err2 := done.IsSet(ctx)
	fmt.Println(set, errors.Join(err, err2))
	// Output: true <nil>
}

func ExampleValue() {
	mp.Main()
	m, stop := newManager()
	defer stop()
	ctx := context.Background()
	leader, err := manager.NewValue(m, "nobody")
	if err != nil {
		fmt.Println(err)
		return
	}
	first, err1 := leader.CompareAndSwap(ctx, "nobody", "ada")
	second, err2 := leader.CompareAndSwap(ctx, "nobody", "bob")
	who, err3 := leader.Load(ctx)
	fmt.Println(first, second, who, errors.Join(err1, err2, err3))
	// Output: true false ada <nil>
}

func ExampleRWMutex() {
	mp.Main()
	m, stop := newManager()
	defer stop()
	ctx := context.Background()
	mu, err := manager.NewRWMutex(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = errors.Join(mu.RLock(ctx), mu.RLock(ctx)) // readers share it
	write, err2 := mu.TryLock(ctx)
	fmt.Println(write, errors.Join(err, err2, mu.RUnlock(ctx), mu.RUnlock(ctx)))
	// Output: false <nil>
}

// Who waits for a change of what a mutex guards gives the mutex up meanwhile.
func ExampleCond() {
	mp.Main()
	m, stop := newManager()
	defer stop()
	ctx := context.Background()
	mu, err := manager.NewMutex(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	changed, err := manager.NewCond(m, mu)
	if err != nil {
		fmt.Println(err)
		return
	}
	full := false
	go func() { // in another process it would be a Value
		_ = mu.Do(ctx, func() error {
			full = true
			return changed.Broadcast(ctx)
		})
	}()
	err = mu.Do(ctx, func() error { return changed.WaitFor(ctx, func() bool { return full }) })
	fmt.Println(full, err)
	// Output: true <nil>
}

func ExampleBarrier() {
	mp.Main()
	m, stop := newManager()
	defer stop()
	ctx := context.Background()
	b, err := manager.NewBarrier(m, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	arrivals := make(chan int)
	for range 2 {
		go func() {
			n, err := b.Wait(ctx)
			if err != nil {
				n = -1
			}
			arrivals <- n
		}()
	}
	fmt.Println(<-arrivals + <-arrivals)
	// Output: 1
}

func ExampleManager_Stats() {
	mp.Main()
	m, stop := newManager()
	defer stop()
	ctx := context.Background()
	d, err := manager.NewDict[string, int](m)
	if err == nil {
		err = d.Set(ctx, "a", 1)
	}
	s, err2 := m.Stats(ctx)
	fmt.Println(s.Clients, s.Objects, s.ByKind, errors.Join(err, err2))
	keys, err := d.Keys(ctx)
	fmt.Println(slices.Equal(keys, []string{"a"}), err)
	// Output:
	// 1 1 map[Dict:1] <nil>
	// true <nil>
}
