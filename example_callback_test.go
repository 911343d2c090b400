//go:build linux

package mp_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-multiproc/mp"
)

var greet = mp.Func("example.greet", func(_ context.Context, name string) (string, error) { return "hello " + name, nil })

// A callback that panics hurts nobody, and is not lost.
func ExampleEvent_callback() {
	mp.Main()
	told := make(chan string)
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1, Observer: func(e mp.Event) {
		if e.Kind == mp.EventCallback {
			text, _, _ := strings.Cut(e.Err.Error(), "\n") // the stack follows
			told <- e.Function + ": " + text
		}
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	call := greet.Go(context.Background(), pool, "world")
	call.Then(func(string, error) { panic("what a name") })
	fmt.Println(<-told)
	fmt.Println(call.Wait(context.Background()))
	// Output:
	// example.greet: mp: panic in a callback of Then: what a name
	// hello world <nil>
}
