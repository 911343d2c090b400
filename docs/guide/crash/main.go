//go:build linux

// Command crash decodes pictures with a library that breaks on one of them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"slices"

	"github.com/go-multiproc/mp"
)

// decode runs in a worker: only that may die of the library.
var decode = mp.Func("decode", func(_ context.Context, file string) (int, error) { return decodePicture(file) })

func main() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{
		Workers: 2,
		Stderr:  io.Discard, // the crash report: the error has it as well
	})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	files := []string{"ann.jpg", "bob.jpg", "broken.jpg", "cid.jpg"}
	i := 0
	for pixels, err := range decode.Stream(context.Background(), pool, slices.Values(files)) {
		switch died, ok := errors.AsType[*mp.WorkerError](err); {
		case ok:
			fmt.Printf("%s: %v\n", files[i], err)
			fmt.Printf("  its exit code: %d\n", died.ExitCode)
		case err != nil:
			fmt.Printf("%s: it is no picture: %v\n", files[i], err)
		default:
			fmt.Printf("%s: %d pixels\n", files[i], pixels)
		}
		i++
	}
}
