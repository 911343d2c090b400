//go:build linux

package shared_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"

	"github.com/go-multiproc/mp/shared"
)

// A party that cannot go on breaks the barrier: the others need not wait for it. Reset makes it whole for a new attempt.
func ExampleBarrier_Abort() {
	barrier, err := shared.NewBarrier(3)
	if err != nil {
		fmt.Println(err)
		return
	}
	waited := make(chan error)
	go func() {
		_, err := barrier.Wait(context.Background())
		waited <- err
	}()
	for barrier.Waiting() == 0 { // until one of three has come
		runtime.Gosched()
	}
	fmt.Println(barrier.Waiting(), "of", barrier.Parties())
	fmt.Println(barrier.Abort(), errors.Is(<-waited, shared.ErrBroken), barrier.Broken())
	fmt.Println(barrier.Reset(), barrier.Broken())
	// Output:
	// 1 of 3
	// <nil> true true
	// <nil> false
}

// A block that outlives the program that made it, until somebody unlinks it.
func ExampleBlock_Keep() {
	block, err := shared.CreateBlock("", 4096)
	if err != nil {
		fmt.Println(err)
		return
	}
	copy(block.Bytes(), "for whoever comes later")
	fmt.Println(block.Keep(), block.Close()) // here the program might end

	later, err := shared.OpenBlock(block.Name())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer later.Close()
	fmt.Println(string(later.Bytes()[:23]))
	fmt.Println(later.Unlink())
	_, err = shared.OpenBlock(block.Name())
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output:
	// <nil> <nil>
	// for whoever comes later
	// <nil>
	// true
}

// More than the family's memory can hold is an error, and nothing else happens.
func ExampleNewArray() {
	_, err := shared.NewArray[float64](1 << 50)
	fmt.Println(errors.Is(err, shared.ErrNoMemory))
	matrix, err := shared.NewArray[float64](1_000_000) // a page costs memory when it is touched
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(matrix.Len(), matrix.At(999_999), matrix.Free())
	// Output:
	// true
	// 1000000 0 <nil>
}
