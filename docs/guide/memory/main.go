// Command memory moves money between two accounts that processes share. One dies in the middle, and the next repairs what it left.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

const total = 100 // of both accounts, always

// move moves an amount from the first account to the second.
var move = mp.Func3("move", func(ctx context.Context, accounts *shared.Array[int], amount int, dies bool) (_ string, err error) {
	lock := accounts.Mutex()
	told := "the lock was free"
	switch err := lock.Lock(ctx); {
	case errors.Is(err, shared.ErrOwnerDied): // held, and what it guards may be half changed
		told = fmt.Sprintf("%v; the accounts are %v", err, accounts.Slice())
		accounts.Set(1, total-accounts.At(0))
	case err != nil: // not held
		return "", err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	accounts.Set(0, accounts.At(0)-amount)
	if dies {
		os.Exit(1)
	}
	accounts.Set(1, accounts.At(1)+amount)
	return told, nil
})

func main() {
	mp.Main()
	ctx := context.Background()
	accounts, err := shared.ArrayOf([]int{total, 0})
	if err != nil {
		log.Fatal(err)
	}
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	for _, dies := range []bool{false, true, false, false} {
		told, err := move.Call(ctx, pool, mp.Pack3(accounts, 10, dies))
		fmt.Println(told, err, accounts.Slice())
	}
}
