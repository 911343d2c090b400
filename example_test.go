//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-multiproc/mp"
)

// Functions are registered at package level, so that every process of the program knows them.
var triple = mp.Func("example.triple", func(_ context.Context, x int) (int, error) { return 3 * x, nil })

var divide = mp.Func2("example.divide", func(_ context.Context, a, b int) (int, error) {
	if b == 0 {
		return 0, errors.New("division by zero")
	}
	return a / b, nil
})

var volume = mp.Func3("example.volume", func(_ context.Context, length, width, height float64) (float64, error) {
	return length * width * height, nil
})

var interval = mp.Func4("example.interval", func(_ context.Context, x, low, high int, inside string) (string, error) {
	if x < low || x > high {
		return "not " + inside, nil
	}
	return inside, nil
})

// patient waits until it is told not to.
var patient = mp.Func("example.patient", func(ctx context.Context, _ string) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
})

var whoAmI = mp.Func("example.whoAmI", func(context.Context, struct{}) (string, error) {
	me := mp.Current()
	return fmt.Sprintf("%s, depth %d, a worker: %v", me.Name, me.Depth, mp.IsWorker()), nil
})

// A pool and one map: the program in one piece has mp.Main() as the first line of main.
func Example() {
	mp.Main() // first in main: in a worker it does not return
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	tripled, err := triple.Map(context.Background(), pool, []int{1, 2, 3})
	fmt.Println(tripled, err)
	// Output: [3 6 9] <nil>
}

func ExampleFunc() {
	fmt.Println(triple.Name())
	// Output: example.triple
}

func ExampleFunc2() {
	quotient, err := divide.Call(context.Background(), mp.InProcess(1), mp.Pack2(42, 6))
	fmt.Println(quotient, err)
	// Output: 7 <nil>
}

func ExampleFunc3() {
	volumes, err := volume.Map(context.Background(), mp.InProcess(1), []mp.Args3[float64, float64, float64]{
		mp.Pack3(1.0, 2.0, 3.0),
		mp.Pack3(0.5, 2.0, 8.0),
	})
	fmt.Println(volumes, err)
	// Output: [6 8] <nil>
}

func ExampleFunc4() {
	answer, err := interval.Call(context.Background(), mp.InProcess(1), mp.Pack4(5, 1, 10, "inside"))
	fmt.Println(answer, err)
	// Output: inside <nil>
}

func ExampleNewPool() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{
		Workers:     2,
		TaskTimeout: time.Minute, // for each element
		MemoryLimit: 1 << 30,     // for each worker
		Retries:     1,           // of an element whose worker died
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	for _, w := range pool.Workers() {
		fmt.Println(w.Index, w.State)
	}
	// Output:
	// 0 idle
	// 1 idle
}

func ExamplePool_Stop() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	fmt.Println(pool.Stop(ctx)) // as Close, but it waits no longer than ctx
	_, err = triple.Call(ctx, pool, 1)
	fmt.Println(errors.Is(err, mp.ErrClosed))
	// Output:
	// <nil>
	// true
}

// InProcess is for tests: the same calls, errors and encoding, but goroutines.
func ExampleInProcess() {
	tripled, err := triple.Map(context.Background(), mp.InProcess(4), []int{1, 2, 3})
	fmt.Println(tripled, err)
	// Output: [3 6 9] <nil>
}

func ExampleFunction_Call() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	fmt.Println(divide.Call(context.Background(), pool, mp.Pack2(7, 2)))
	fmt.Println(divide.Call(context.Background(), pool, mp.Pack2(7, 0)))
	// Output:
	// 3 <nil>
	// 0 division by zero
}

func ExampleFunction_Map() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	_, err = divide.Map(context.Background(), pool, []mp.Args2[int, int]{mp.Pack2(1, 1), mp.Pack2(1, 0)})
	if failed, ok := errors.AsType[*mp.ElementError](err); ok {
		fmt.Println("element", failed.Index, "failed:", failed.Err)
	}
	// Output: element 1 failed: division by zero
}

// Results come as they end, each with the index of its input. A failure is one of them.
func ExampleFunction_Results() {
	inputs := slices.Values([]mp.Args2[int, int]{mp.Pack2(10, 2), mp.Pack2(10, 0), mp.Pack2(10, 5)})
	succeeded, failed := 0, 0
	for index, result := range divide.Results(context.Background(), mp.InProcess(2), inputs) {
		if result.Err != nil {
			fmt.Println("input", index, "failed")
			failed++
			continue
		}
		succeeded++
	}
	fmt.Println(succeeded, "succeeded,", failed, "failed")
	// Output:
	// input 1 failed
	// 2 succeeded, 1 failed
}

// Stream keeps the order of its input, which may be endless.
func ExampleFunction_Stream() {
	numbers := func(yield func(int) bool) {
		for i := 1; yield(i); i++ {
		}
	}
	for tripled, err := range triple.Stream(context.Background(), mp.InProcess(2), numbers) {
		if err != nil || tripled > 9 {
			break
		}
		fmt.Println(tripled)
	}
	// Output:
	// 3
	// 6
	// 9
}

func ExampleFunction_Go() {
	ctx := context.Background()
	x := mp.InProcess(2)
	first, second := triple.Go(ctx, x, 10), triple.Go(ctx, x, 20)
	fmt.Println(second.Wait(ctx))
	fmt.Println(first.Wait(ctx))
	// Output:
	// 60 <nil>
	// 30 <nil>
}

func ExampleFunction_TryGo() {
	mp.Main()
	ctx := context.Background()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1, Window: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	running, err := patient.TryGo(ctx, pool, "first")
	fmt.Println(err)
	_, err = patient.TryGo(ctx, pool, "second")
	fmt.Println(errors.Is(err, mp.ErrFull))
	running.Cancel()
	// Output:
	// <nil>
	// true
}

func ExampleFuture_Then() {
	var wg sync.WaitGroup
	wg.Add(1)
	future := triple.Go(context.Background(), mp.InProcess(1), 5)
	future.Then(func(tripled int, err error) {
		defer wg.Done()
		fmt.Println("called back with", tripled, err)
	})
	wg.Wait()
	// Output: called back with 15 <nil>
}

func ExampleFuture_Cancel() {
	future := patient.Go(context.Background(), mp.InProcess(1), "")
	future.Cancel()
	_, err := future.Wait(context.Background())
	fmt.Println(errors.Is(err, context.Canceled))
	// Output: true
}

func ExampleFunction_Start() {
	mp.Main()
	ctx := context.Background()
	process, err := whoAmI.Start(ctx, struct{}{}, mp.Name("thinker"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(process.Wait(ctx))
	fmt.Println("exit code", process.ExitCode())
	// Output:
	// thinker, depth 1, a worker: true <nil>
	// exit code 0
}

func ExampleProcess_Kill() {
	mp.Main()
	ctx := context.Background()
	process, err := patient.Start(ctx, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(process.Kill())
	_, err = process.Wait(ctx)
	var ended *mp.WorkerError
	fmt.Println(errors.As(err, &ended), process.ExitCode())
	// Output:
	// <nil>
	// true -9
}

func ExampleProcess_Interrupt() {
	mp.Main()
	ctx := context.Background()
	process, err := patient.Start(ctx, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(process.Interrupt()) // its context ends, and it returns that error
	_, err = process.Wait(ctx)
	fmt.Println(errors.Is(err, context.Canceled), process.ExitCode())
	// Output:
	// <nil>
	// true 1
}

func ExampleCPUCount() {
	fmt.Println(mp.CPUCount() >= 1)
	// Output: true
}
