//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-multiproc/mp"
)

// insertRows stands for a database: it tells of each row with how many others it came.
var insertRows = mp.Chunked("example.insertRows", func(_ context.Context, rows []string) ([]int, error) {
	return slices.Repeat([]int{len(rows)}, len(rows)), nil
})

var countFields = mp.Func("example.countFields", func(_ context.Context, line string) (int, error) {
	return len(strings.Fields(line)), nil
})

// unpack leaves nothing behind, also when it is told to stop.
var unpack = mp.Func("example.unpack", func(ctx context.Context, dir string) (int, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, err
	}
	<-ctx.Done() // a long time
	return 0, os.RemoveAll(dir)
})

var asked atomic.Int64 // in the worker

// askService is refused twice, as by a service that is just starting.
var askService = mp.Func("example.askService", func(_ context.Context, question string) (string, error) {
	if asked.Add(1) <= 2 {
		return "", fmt.Errorf("dial: %w", syscall.ECONNREFUSED)
	}
	return "the answer to " + question, nil
})

// A function that gets many elements at once gets at most three here.
func ExampleChunkSize() {
	rows := strings.Fields("a b c d e f g")
	fmt.Println(insertRows.Map(context.Background(), mp.InProcess(1), rows, mp.ChunkSize(3)))
	// Output: [3 3 3 3 3 3 1] <nil>
}

// The input need not fit in memory: no more than eight of its lines are read ahead, and one that waits for room.
func ExampleWindow() {
	var read atomic.Int64
	lines := func(yield func(string) bool) {
		for yield("one more line") {
			read.Add(1)
		}
	}
	var done, ahead int64
	for _, err := range countFields.Stream(context.Background(), mp.InProcess(2), lines, mp.Window(8)) {
		if ahead = max(ahead, read.Load()-done); err != nil || done == 100 {
			break
		}
		done++
	}
	fmt.Println(done, "lines,", ahead <= 9)
	// Output: 100 lines, true
}

// A function that is over its time has a minute to tidy up. Then its worker would be killed.
func ExampleGrace() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	dir := os.TempDir() + "/mp-example-" + fmt.Sprint(os.Getpid())
	_, err = unpack.Call(context.Background(), pool, dir, mp.Timeout(20*time.Millisecond), mp.Grace(time.Minute))
	late, ok := errors.AsType[*mp.TimeoutError](err)
	_, gone := os.Stat(dir)
	fmt.Println(ok && !late.Killed, os.IsNotExist(gone))
	// Output: true true
}

// What may go well the next time is tried again, twice here. Other errors are final.
func ExampleRetryIf() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	refused := func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
	fmt.Println(askService.Call(context.Background(), pool, "everything", mp.Retries(2), mp.RetryIf(refused)))
	// Output: the answer to everything <nil>
}

// What a program wants of many calls is said once.
func ExampleCallOption() {
	careful := []mp.CallOption{mp.Timeout(time.Minute), mp.Retries(3), mp.Priority(1)}
	fmt.Println(countFields.Call(context.Background(), mp.InProcess(1), "to be or not to be", careful...))
	// Output: 6 <nil>
}

// Options of a map may depend on what the program was asked for.
func ExampleMapOption() {
	options := []mp.MapOption{mp.Timeout(time.Minute)}
	if verbose := true; verbose {
		options = append(options, mp.Observe(func(e mp.Event) {
			if e.Kind == mp.EventMapStarted {
				fmt.Println(e.Function, "on", e.Total, "elements")
			}
		}))
	}
	fmt.Println(countFields.Map(context.Background(), mp.InProcess(1), []string{"a rose", "is a rose"}, options...))
	// Output:
	// example.countFields on 2 elements
	// [2 3] <nil>
}
