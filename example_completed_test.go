package mp_test

import (
	"context"
	"fmt"

	"github.com/go-multiproc/mp"
)

// askMirror gets an answer of the near one only.
var askMirror = mp.Func("example.askMirror", func(ctx context.Context, mirror string) (string, error) {
	if mirror != "near" {
		<-ctx.Done()
		return "", ctx.Err()
	}
	return mirror, nil
})

// The first of several calls wins; the others need not go on.
func ExampleAsCompleted() {
	x := mp.InProcess(4)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel() // ends the others
	calls := []*mp.Future[string]{askMirror.Go(ctx, x, "far"), askMirror.Go(ctx, x, "near"), askMirror.Go(ctx, x, "further")}
	for i, r := range mp.AsCompleted(ctx, calls...) {
		fmt.Println("call", i, "was first:", r.Value)
		break
	}
	// Output: call 1 was first: near
}
