//go:build linux

package mp_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-multiproc/mp"
)

// listen is a service: it runs until it is told to stop.
var listen = mp.Func("example.listen", func(ctx context.Context, _ int) (string, error) {
	<-ctx.Done()
	return "stopped in order", nil
})

var describe = mp.Func("example.describe", func(context.Context, int) (mp.ProcessInfo, error) { return mp.Current(), nil })

var isWorker = mp.Func("example.isWorker", func(context.Context, int) (bool, error) { return mp.IsWorker(), nil })

// The name of a process is in front of what it prints, and in errors.
func ExampleName() {
	mp.Main()
	ctx := context.Background()
	process, err := describe.Start(ctx, 0, mp.Name("scribe"))
	if err != nil {
		fmt.Println(err)
		return
	}
	me, err := process.Wait(ctx)
	fmt.Println(process.Name(), me.Name, err)
	// Output: scribe scribe <nil>
}

// Terminate asks first, and kills what does not heed that.
func ExampleProcess_Terminate() {
	mp.Main()
	ctx := context.Background()
	process, err := listen.Start(ctx, 8080, mp.Grace(time.Minute))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("alive:", process.Alive())
	fmt.Println(process.Terminate())
	out, err := process.Wait(ctx)
	fmt.Println(out, err)
	fmt.Println("alive:", process.Alive())
	// Output:
	// alive: true
	// <nil>
	// stopped in order <nil>
	// alive: false
}

// What has been started and runs, also by other parts of the program.
func ExampleActiveChildren() {
	mp.Main()
	ctx := context.Background()
	for _, name := range []string{"web", "mail"} {
		process, err := listen.Start(ctx, 0, mp.Name(name))
		if err != nil {
			fmt.Println(err)
			return
		}
		defer process.Close()
	}
	var names []string
	for _, child := range mp.ActiveChildren() {
		names = append(names, child.Name)
	}
	slices.Sort(names)
	fmt.Println(names)
	// Output: [mail web]
}

// Where a function runs: here it is the only worker of a pool.
func ExampleProcessInfo() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	there, err := describe.Call(context.Background(), pool, 0)
	fmt.Println("worker", there.Worker, "depth", there.Depth, "child of this process:", there.Parent == mp.Current().PID, err)
	// Output: worker 0 depth 1 child of this process: true <nil>
}

// The program itself is no worker, and what it starts is one.
func ExampleIsWorker() {
	mp.Main()
	ctx := context.Background()
	process, err := isWorker.Start(ctx, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	there, err := process.Wait(ctx)
	fmt.Println(mp.IsWorker(), there, err)
	// Output: false true <nil>
}
