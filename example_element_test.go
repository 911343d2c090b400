//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"github.com/go-multiproc/mp"
)

// parsePrice says itself in which line it was.
var parsePrice = mp.Func("example.parsePrice", func(ctx context.Context, text string) (float64, error) {
	price, err := strconv.ParseFloat(text, 64)
	if err != nil {
		index, _ := mp.ElementIndex(ctx)
		return 0, fmt.Errorf("line %d is no price: %q", index+1, text)
	}
	return price, nil
})

var sizeOf = mp.Func("example.sizeOf", func(_ context.Context, file string) (int64, error) {
	info, err := os.Stat(file)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
})

var rollDice = mp.Func("example.rollDice", func(ctx context.Context, dice int) (sum int, err error) {
	random := mp.Rand(ctx)
	for range dice {
		sum += 1 + random.IntN(6)
	}
	return sum, nil
})

func ExampleElementIndex() {
	prices := slices.Values([]string{"1.50", "free", "3"})
	for price, err := range parsePrice.Stream(context.Background(), mp.InProcess(2), prices) {
		if failed, ok := errors.AsType[*mp.ElementError](err); ok {
			fmt.Println(failed.Err)
			continue
		}
		fmt.Println(price)
	}
	// Output:
	// 1.5
	// line 2 is no price: "free"
	// 3
}

// The error of a map tells which element it is of, and what went wrong there.
func ExampleElementError() {
	files := []string{os.DevNull, "/there/is/no/such/file"}
	_, err := sizeOf.Map(context.Background(), mp.InProcess(2), files)
	if failed, ok := errors.AsType[*mp.ElementError](err); ok {
		fmt.Println("it was", files[failed.Index])
		fmt.Println(failed.Err)
	}
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output:
	// it was /there/is/no/such/file
	// stat /there/is/no/such/file: no such file or directory
	// true
}

// The outcomes of all elements, put into the order of the input.
func ExampleResult() {
	prices := []string{"1.50", "free", "3"}
	outcomes := make([]mp.Result[float64], len(prices))
	for index, result := range parsePrice.Results(context.Background(), mp.InProcess(2), slices.Values(prices)) {
		outcomes[index] = result
	}
	for index, outcome := range outcomes {
		fmt.Println(prices[index], "is a price:", outcome.Err == nil, outcome.Value)
	}
	// Output:
	// 1.50 is a price: true 1.5
	// free is a price: false 0
	// 3 is a price: true 3
}

// Each element has random numbers of its own, so it does not matter where it runs, or after which others.
func ExampleRand() {
	fmt.Println(rollDice.Map(context.Background(), mp.InProcess(3), []int{2, 2, 2, 2}, mp.Seed(1)))
	// Output: [11 2 5 9] <nil>
}

// The same seed gives the same rolls, with any number of workers.
func ExampleSeed() {
	ctx, throws := context.Background(), slices.Repeat([]int{2}, 1000)
	alone, err1 := rollDice.Map(ctx, mp.InProcess(1), throws, mp.Seed(7))
	together, err2 := rollDice.Map(ctx, mp.InProcess(4), throws, mp.Seed(7), mp.ChunkSize(3))
	other, err3 := rollDice.Map(ctx, mp.InProcess(4), throws, mp.Seed(8))
	fmt.Println(slices.Equal(alone, together), slices.Equal(alone, other), errors.Join(err1, err2, err3))
	// Output: true false <nil>
}
