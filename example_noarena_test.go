//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// plugin is code that is not trusted.
var plugin = mp.Func("example.plugin", func(_ context.Context, balance *shared.Value[int64]) (int64, error) {
	return balance.Load(), nil
})

// A process that is not trusted has no memory in common with anybody.
func ExampleNoArena() {
	mp.Main()
	ctx := context.Background()
	balance, err := shared.NewValue(int64(100))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer balance.Free()
	for _, trusted := range []bool{true, false} {
		process, err := plugin.Start(ctx, balance, mp.NoArena(!trusted))
		if err != nil {
			fmt.Println(err)
			return
		}
		seen, err := process.Wait(ctx)
		fmt.Println(seen, errors.Is(err, mp.ErrDetached))
	}
	// Output:
	// 100 false
	// 0 true
}
