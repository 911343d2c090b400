//go:build linux

package profile_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	pprof "github.com/google/pprof/profile"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/profile"
)

// workers are those that have samples in a profile.
func workers(of *bytes.Buffer) (map[string]bool, error) {
	p, err := pprof.Parse(of)
	if err != nil {
		return nil, err
	}
	found := make(map[string]bool)
	for _, s := range p.Sample {
		for _, index := range s.Label["worker"] {
			found[index] = true
		}
	}
	return found, nil
}

// What all workers do at this moment: each has a goroutine at least.
func ExampleGoroutine() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	var out bytes.Buffer // a file, for go tool pprof
	if err := profile.Goroutine(context.Background(), pool, &out); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(workers(&out))
	// Output: map[0:true 1:true] <nil>
}

// Where the workers' memory was allocated.
func ExampleHeap() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	var out bytes.Buffer
	if err := profile.Heap(context.Background(), pool, &out); err != nil {
		fmt.Println(err)
		return
	}
	p, err := pprof.Parse(&out)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, kind := range p.SampleType {
		fmt.Println(kind.Type, "in", kind.Unit)
	}
	// Output:
	// alloc_objects in count
	// alloc_space in bytes
	// inuse_objects in count
	// inuse_space in bytes
}

// Any profile of package runtime/pprof: here the threads that the workers have made.
func ExampleLookup() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	var out bytes.Buffer
	fmt.Println(profile.Lookup(context.Background(), pool, &out, "threadcreate"), out.Len() > 0)
	err = profile.Lookup(context.Background(), pool, &out, "no such profile")
	fmt.Println(err != nil && strings.Contains(err.Error(), "no such profile"))
	// Output:
	// <nil> true
	// true
}
