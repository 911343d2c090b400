//go:build linux

package mptest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/mptest"
)

// upper and shout are the program that is tested. It reports what became of each name.
var upper = mp.Func("example.upper", func(_ context.Context, name string) (string, error) {
	if name == "" {
		return "", errors.New("no name")
	}
	return strings.ToUpper(name), nil
})

func shout(ctx context.Context, x mp.Executor, names ...string) []string {
	var report []string
	for name, err := range upper.Stream(ctx, x, func(yield func(string) bool) {
		for _, name := range names {
			if !yield(name) {
				return
			}
		}
	}) {
		var died *mp.WorkerError
		var late *mp.TimeoutError
		switch {
		case errors.As(err, &died):
			name = "crashed"
		case errors.As(err, &late):
			name = "too slow"
		case err != nil:
			name = "failed"
		}
		report = append(report, name)
	}
	return report
}

// Most tests need no process.
func ExampleInProcess() {
	run(func(t testing.TB) { // func TestShout(t *testing.T)
		fmt.Println(shout(context.Background(), mptest.InProcess(t), "ann", "", "bob"))
	})
	// Output:
	// [ANN failed BOB]
}

// What does the program do when a worker crashes, or writes nonsense? The others' elements are not hurt, and the report says so.
func ExampleFaulty() {
	run(func(t testing.TB) { // func TestShoutWhenAWorkerCrashes(t *testing.T)
		mptest.NoLeaks(t)
		pool := mptest.Faulty(t, mptest.CrashOn(2), mptest.CorruptOn(3))
		fmt.Println(shout(context.Background(), pool, "ann", "bob", "cid", "dan"))
	})
	// Output:
	// [ANN crashed crashed DAN]
}

// A pool of one's own configuration. A retry is the next number: bob is number 2 and then 3, cid 4 and then 5.
func ExampleFaultyPool() {
	run(func(t testing.TB) { // func TestShoutTriesAgain(t *testing.T)
		config := mp.PoolConfig{Retries: 1}
		pool := mptest.FaultyPool(t, config, mptest.CrashOn(2), mptest.CrashOn(4), mptest.HangOn(5))
		fmt.Println(shout(context.Background(), pool, "ann", "bob", "cid", "dan"))
	})
	// Output:
	// [ANN BOB too slow DAN]
}

// Whoever forgets to close a pool is told so: its process, its descriptors, its goroutines.
func ExampleNoLeaks() {
	run(func(t testing.TB) { // func TestNames(t *testing.T)
		mptest.NoLeaks(t)
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close() // without this line the test fails
		fmt.Println(shout(context.Background(), pool, "ann"))
	})
	// Output:
	// [ANN]
}

// run is what go test does with a test.
func run(test func(t testing.TB)) { mptest.Play(test) }
