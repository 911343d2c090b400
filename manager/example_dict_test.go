package manager_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
)

// The methods of a dict are those of Python's dict, and those that do much in one message.
func ExampleDict_Update() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{}) // or Start: a process of its own
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	stock, err := manager.NewDict[string, int](m)
	if err == nil {
		err = errors.Join(stock.Set(ctx, "pens", 12), stock.Update(ctx, map[string]int{"ink": 3, "paper": 500}))
	}
	fmt.Println(err)
	fmt.Println(stock.GetMany(ctx, "ink", "pens", "stamps"))
	fmt.Println(stock.SetDefault(ctx, "stamps", 10)) // there are none yet
	fmt.Println(stock.Has(ctx, "glue"))
	fmt.Println(stock.DeleteMany(ctx, "ink", "glue"))
	fmt.Println(stock.PopItem(ctx)) // the one that came last
	fmt.Println(stock.Len(ctx))
	// Output:
	// <nil>
	// map[ink:3 pens:12] <nil>
	// 10 <nil>
	// false <nil>
	// 1 <nil>
	// {stamps 10} <nil>
	// 2 <nil>
}

// What a loop over a dict, which is a snapshot, gets.
func ExampleEntry() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	ages, err := manager.NewDict[string, int](m)
	if err == nil {
		err = errors.Join(ages.Set(ctx, "ada", 36), ages.Set(ctx, "alan", 41))
	}
	fmt.Println(err)
	for entry, err := range ages.All(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(entry.Key, "is", entry.Value)
		if err := ages.Delete(ctx, "alan"); err != nil { // the loop does not see that
			fmt.Println(err)
		}
		break
	}
	fmt.Println(ages.Values(ctx))
	fmt.Println(ages.Clear(ctx))
	// Output:
	// <nil>
	// ada is 36
	// [36] <nil>
	// <nil>
}

var raise = mp.Func2("example.raise", func(_ context.Context, balance, percent float64) (float64, error) {
	return balance * (1 + percent/100), nil
})

// Read, change and write in one step, in the server: nobody else's change is lost.
func ExampleComputeWith() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	balances, err := manager.NewDict[string, float64](m)
	if err == nil {
		err = balances.Set(ctx, "ada", 200)
	}
	fmt.Println(err)
	fmt.Println(manager.ComputeWith(ctx, balances, "ada", raise, 50.0))
	// Output:
	// <nil>
	// 300 <nil>
}

// total adds up a column of numbers of any kind that a Value may have.
func total[T manager.Integer](ctx context.Context, sum *manager.Value[T], column ...T) (last T, err error) {
	for _, n := range column {
		if last, err = manager.Add(ctx, sum, n); err != nil {
			return 0, err
		}
	}
	return last, nil
}

func ExampleInteger() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	bytes, err := manager.NewValue(m, int64(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(total(ctx, bytes, 700, 300, 24))
	fmt.Println(bytes.Swap(ctx, 0))
	fmt.Println(bytes.Store(ctx, 5))
	// Output:
	// 1024 <nil>
	// 1024 <nil>
	// <nil>
}
