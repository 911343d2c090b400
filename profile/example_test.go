//go:build linux

package profile_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/profile"
)

// What the workers do in the next while, all in one profile.
func ExampleCPU() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	var out bytes.Buffer // a file, for go tool pprof
	if err := profile.CPU(context.Background(), pool, &out, 10*time.Millisecond); err != nil {
		fmt.Println(err)
		return
	}
	p, err := pprof.Parse(&out)
	fmt.Println(p.PeriodType.Type, err)
	// Output: cpu <nil>
}
