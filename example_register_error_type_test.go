//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-multiproc/mp"
)

// An overdraftError has facts that the caller wants.
type overdraftError struct{ Balance, Wanted int }

func (e *overdraftError) Error() string { return fmt.Sprintf("%d wanted of %d", e.Wanted, e.Balance) }

func init() { mp.RegisterErrorType[*overdraftError]("example.overdraftError") }

var withdraw = mp.Func2("example.withdraw", func(_ context.Context, balance, wanted int) (int, error) {
	if wanted > balance {
		return balance, &overdraftError{balance, wanted}
	}
	return balance - wanted, nil
})

// An error type of one's own is found by errors.As, with its fields.
func ExampleRegisterErrorType() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	_, err = withdraw.Call(context.Background(), pool, mp.Pack2(100, 130))
	if overdraft, ok := errors.AsType[*overdraftError](err); ok {
		fmt.Println("there are", overdraft.Wanted-overdraft.Balance, "too few")
	}
	// Output: there are 30 too few
}
