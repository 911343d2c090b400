//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-multiproc/mp"
)

var errEmpty = errors.New("nothing there")

// Workers, which are the same program, register it too.
func init() { mp.RegisterError("example.errEmpty", errEmpty) }

var first = mp.Func("example.first", func(_ context.Context, list []int) (int, error) {
	if len(list) == 0 {
		return 0, fmt.Errorf("first: %w", errEmpty)
	}
	return list[0], nil
})

// An error of one's own is found by errors.Is, though it was made in another process.
func ExampleRegisterError() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	_, err = first.Call(context.Background(), pool, nil)
	fmt.Println(err, errors.Is(err, errEmpty))
	// Output: first: nothing there true
}
