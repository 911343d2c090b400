//go:build linux

package profile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/pprof"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/profile"
)

// connect makes a profile of the program's own, of the connections that a worker has.
var connect = mp.Func("example.connect", func(_ context.Context, address string) (int, error) {
	connections := pprof.NewProfile("example.connections")
	connections.Add(address, 0)
	return connections.Count(), nil
})

// A profile that one of two workers does not have: what there is of the other is written all the same.
func ExamplePartialError() {
	mp.Main()
	ctx := context.Background()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	if _, err := connect.Call(ctx, pool, "database:5432"); err != nil {
		fmt.Println(err)
		return
	}
	var out bytes.Buffer
	err = profile.Lookup(ctx, pool, &out, "example.connections")
	if partial, ok := errors.AsType[*profile.PartialError](err); ok {
		fmt.Println(len(partial.Workers), "is missing;", out.Len() > 0)
	}
	// Output: 1 is missing; true
}
