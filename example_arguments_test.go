package mp_test

import (
	"context"
	"fmt"

	"github.com/go-multiproc/mp"
)

var interest = mp.Func2("example.interest", func(_ context.Context, principal, percent float64) (float64, error) {
	return principal * percent / 100, nil
})

var caption = mp.Func3("example.caption", func(_ context.Context, file string, width, height int) (string, error) {
	return fmt.Sprintf("%s, %d by %d", file, width, height), nil
})

var invoice = mp.Func4("example.invoice", func(_ context.Context, item string, pieces int, price, tax float64) (string, error) {
	return fmt.Sprintf("%d %s: %.2f", pieces, item, float64(pieces)*price*(1+tax)), nil
})

// Two columns of a table become the arguments of a function of two.
func ExamplePack2() {
	principals, percents := []float64{1000, 2000}, []float64{3, 1.5}
	calls := make([]mp.Args2[float64, float64], len(principals))
	for i, p := range principals {
		calls[i] = mp.Pack2(p, percents[i])
	}
	fmt.Println(interest.Map(context.Background(), mp.InProcess(1), calls))
	// Output: [30 30] <nil>
}

func ExamplePack3() {
	fmt.Println(caption.Call(context.Background(), mp.InProcess(1), mp.Pack3("cat.png", 640, 480)))
	// Output: cat.png, 640 by 480 <nil>
}

func ExamplePack4() {
	fmt.Println(invoice.Call(context.Background(), mp.InProcess(1), mp.Pack4("chairs", 4, 50.0, 0.2)))
	// Output: 4 chairs: 240.00 <nil>
}
