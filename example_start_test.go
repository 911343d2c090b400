//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/go-multiproc/mp"
)

var whereIWork = mp.Func("example.whereIWork", func(context.Context, struct{}) (string, error) {
	dir, err := os.Getwd()
	return os.Getenv("LANGUAGE") + " in " + dir, err
})

// devour wants more memory than there is for it.
var devour = mp.Func("example.devour", func(_ context.Context, megabytes int) (int, error) {
	var eaten [][]byte
	for range megabytes {
		eaten = append(eaten, slices.Repeat([]byte{1}, 1<<20))
	}
	return len(eaten), nil
})

// A process of its own is like a program that is started: with a name, an environment and a directory.
func ExampleStartOption() {
	mp.Main()
	ctx := context.Background()
	options := []mp.StartOption{mp.Name("translator"), mp.Env([]string{"LANGUAGE=eo"}), mp.Dir("/usr")}
	process, err := whereIWork.Start(ctx, struct{}{}, options...)
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := process.Wait(ctx)
	fmt.Println(process.Name(), "spoke", out, err)
	// Output: translator spoke eo in /usr <nil>
}

func ExampleEnv() {
	mp.Main()
	ctx := context.Background()
	process, err := whereIWork.Start(ctx, struct{}{}, mp.Env([]string{"LANGUAGE=la"}), mp.Dir("/"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(process.Wait(ctx))
	// Output: la in / <nil>
}

func ExampleDir() {
	mp.Main()
	ctx := context.Background()
	process, err := whereIWork.Start(ctx, struct{}{}, mp.Dir("/usr"), mp.Env([]string{"LANGUAGE=en"}))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(process.Wait(ctx))
	// Output: en in /usr <nil>
}

// A process that takes too much is killed before it hurts others.
func ExampleMemoryLimit() {
	mp.Main()
	ctx := context.Background()
	process, err := devour.Start(ctx, 1<<20, mp.MemoryLimit(256<<20))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = process.Wait(ctx)
	if ended, ok := errors.AsType[*mp.WorkerError](err); ok {
		fmt.Println(ended.OOM, ended.Signal, ended.Limit>>20, "MiB")
	}
	// Output: true killed 256 MiB
}
