//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-multiproc/mp"
)

var squareRoot = mp.Func("example.squareRoot", func(_ context.Context, n int) (int, error) {
	if n < 0 {
		return 0, errors.New("there is none")
	}
	root := 0
	for root*root < n {
		root++
	}
	return root, nil
})

// render takes its time.
var render = mp.Func("example.render", func(_ context.Context, name string) (sum int, err error) {
	for i := range 50_000_000 {
		sum ^= i * len(name)
	}
	return sum, nil
})

// Every element that was accepted is counted once.
func ExamplePoolStats() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	for range squareRoot.Results(context.Background(), pool, slices.Values([]int{4, -1, 9, 16})) {
	}
	_ = pool.Close() // else the last one may be about to be counted
	s := pool.Stats()
	fmt.Println(s.Accepted, "accepted:", s.Done, "done,", s.Failed, "failed,", s.Queued+s.Running, "left")
	// Output: 4 accepted: 3 done, 1 failed, 0 left
}

// How long the elements of a pool ran. For a log, String is all of it in one line.
func ExampleHistogram() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	if _, err := render.Map(context.Background(), pool, []string{"a.svg", "b.svg", "c.svg"}); err != nil {
		fmt.Println(err)
		return
	}
	_ = pool.Close() // else the last one may be about to be counted
	times := pool.Stats().RunningTimes
	fmt.Println(times.Count(), "elements")
	fmt.Println(times.Min() <= times.Mean() && times.Mean() <= times.Max() && times.Max() < times.Sum())
	fmt.Println("half took no more than the slowest tenth:", times.Quantile(0.5) <= times.Quantile(0.9))
	// Output:
	// 3 elements
	// true
	// half took no more than the slowest tenth: true
}

// What the workers did in the last while, without what was before.
func ExampleWorkerTime() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	before := pool.Stats().Time
	if _, err := render.Call(context.Background(), pool, "a.svg"); err != nil {
		fmt.Println(err)
		return
	}
	recent := pool.Stats().Time.Since(before)
	fmt.Println(recent.Working > 0, recent.Starting, recent.Total() >= recent.Working)
	fmt.Println("one of two was busy:", recent.Utilisation() > 0 && recent.Utilisation() < 1)
	// Output:
	// true 0s true
	// one of two was busy: true
}

// Which elements are worth a look.
func ExampleSlowElement() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	if _, err := render.Map(context.Background(), pool, []string{"poster.svg"}); err != nil {
		fmt.Println(err)
		return
	}
	_ = pool.Close() // else the last one may be about to be counted
	for _, slow := range pool.Stats().Slowest {
		fmt.Println(slow.Function, slow.Index, slow.Argument, slow.Duration > 0)
	}
	// Output: example.render 0 poster.svg true
}

// What each worker does, or did.
func ExampleWorkerInfo() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	for _, w := range pool.Workers() {
		fmt.Println("worker", w.Index, "is", w.State, "after", w.Restarts, "restarts;", w.PID > 0)
	}
	// Output: worker 0 is idle after 0 restarts; true
}
