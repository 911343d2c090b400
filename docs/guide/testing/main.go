// Command testing measures files in workers: the program that main_test.go tests.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"slices"

	"github.com/go-multiproc/mp"
)

var errEmpty = errors.New("the file is empty")

func init() { mp.RegisterError("guide.errEmpty", errEmpty) } // so that errors.Is finds it at the caller

// lines is a function like any other: test lineCount by itself.
var lines = mp.Func("lines", func(_ context.Context, name string) (int, error) { return lineCount(name) })

func lineCount(name string) (n int, err error) {
	text, err := os.ReadFile(name)
	if err == nil && len(text) == 0 {
		err = errEmpty
	}
	for _, b := range text {
		if b == '\n' {
			n++
		}
	}
	return n, err
}

// report says what became of each file. It takes an Executor, so tests choose where it runs.
func report(ctx context.Context, x mp.Executor, names []string) (total int, report []string) {
	i := 0
	for n, err := range lines.Stream(ctx, x, slices.Values(names)) {
		var died *mp.WorkerError
		switch {
		case errors.As(err, &died):
			report = append(report, names[i]+": the worker died")
		case errors.Is(err, errEmpty):
			report = append(report, names[i]+": nothing in it")
		case err != nil:
			report = append(report, names[i]+": "+err.Error())
		}
		total += n
		i++
	}
	return total, report
}

func main() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	fmt.Println(report(context.Background(), pool, os.Args[1:]))
}
