//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-multiproc/mp"
)

var weigh = mp.Func("example.weigh", func(_ context.Context, parcel string) (int, error) {
	if parcel == "" {
		return 0, errors.New("there is no parcel")
	}
	return len(parcel), nil
})

// sum stops when it is asked to, with what it has by then.
var sumUp = mp.Func("example.sumUp", func(ctx context.Context, _ int) (string, error) {
	mp.ReportProgress(ctx, 0.5)
	<-ctx.Done() // there is more to do
	return "half of it", nil
})

var crashNow = mp.Func("example.crashNow", func(context.Context, int) (int, error) {
	os.Exit(3)
	return 0, nil
})

// The life of a pool in a program's log.
func ExampleEvent() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1, Observer: func(e mp.Event) {
		switch e.Kind {
		case mp.EventWorkerStarted:
			fmt.Println("worker", e.Worker, "is there")
		case mp.EventWorkerEnded:
			fmt.Println("worker", e.Worker, "has ended:", e.Reason)
		case mp.EventStart:
			fmt.Println(e.Function, "begins")
		case mp.EventFinish:
			fmt.Println(e.Function, "has ended:", e.Err)
		}
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = weigh.Call(context.Background(), pool, "a book")
	_, _ = weigh.Call(context.Background(), pool, "")
	_ = pool.Close()
	// Output:
	// worker 0 is there
	// example.weigh begins
	// example.weigh has ended: <nil>
	// example.weigh begins
	// example.weigh has ended: there is no parcel
	// worker 0 has ended: close
}

// An observer that counts, for a program's metrics. It is called by several goroutines, and must not take long.
func ExampleObserver() {
	mp.Main()
	retries := make(chan error, 100)
	var count mp.Observer = func(e mp.Event) {
		if e.Kind == mp.EventRetry {
			retries <- e.Err
		}
	}
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1, Retries: 2, Stderr: io.Discard, Observer: count})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = crashNow.Call(context.Background(), pool, 0)
	ended, ok := errors.AsType[*mp.WorkerError](err)
	_ = pool.Close()
	fmt.Println(len(retries), "retries", ok && ended.Attempts == 3)
	// Output: 2 retries true
}

// What happens to the elements of one map.
func ExampleObserve() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	finished := make(chan error, 2)
	_, err = weigh.Map(context.Background(), pool, []string{"a book", "a pen"}, mp.Observe(func(e mp.Event) {
		switch e.Kind {
		case mp.EventFinish:
			finished <- e.Err
		case mp.EventMapEnded:
			fmt.Println("the map has ended:", e.Err)
		}
	}))
	fmt.Println(err, <-finished, <-finished)
	// Output:
	// the map has ended: <nil>
	// <nil> <nil> <nil>
}

// A pool that is interrupted, as by Ctrl-C: what runs ends soon, with what it has, and what waits does not begin.
func ExamplePool_Interrupt() {
	mp.Main()
	begun := make(chan struct{})
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1, Observer: func(e mp.Event) {
		if e.Kind == mp.EventFraction {
			close(begun)
		}
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	ctx := context.Background()
	runs, waits := sumUp.Go(ctx, pool, 1), sumUp.Go(ctx, pool, 2)
	<-begun
	pool.Interrupt()
	fmt.Println(runs.Wait(ctx))
	_, err = waits.Wait(ctx)
	fmt.Println(errors.Is(err, mp.ErrInterrupted), errors.Is(err, context.Canceled))
	// Output:
	// half of it <nil>
	// true true
}
