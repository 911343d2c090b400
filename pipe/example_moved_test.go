//go:build linux

package pipe_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/pipe"
	"github.com/go-multiproc/mp/shared"
)

var greet = mp.Func("example.greet", func(ctx context.Context, c *pipe.Conn) (string, error) {
	name, err := pipe.Recv[string](ctx, c)
	return "Hello, " + name, err
})

// An end that went to another process is closed here, and what was sent to it before is there.
func ExampleConn() {
	mp.Main()
	ctx := context.Background()
	here, there, err := pipe.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer here.Close()
	if err := pipe.Send(ctx, here, "Ada"); err != nil {
		fmt.Println(err)
		return
	}
	process, err := greet.Start(ctx, there)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = there.RecvBytes(ctx)
	fmt.Println(errors.Is(err, pipe.ErrMoved), errors.Is(err, pipe.ErrClosed))
	fmt.Println(process.Wait(ctx))
	// Output:
	// true true
	// Hello, Ada <nil>
}

// A server waits for the next request, or for the word that it is to end, whichever comes first.
func ExampleWaitable() {
	ctx := context.Background()
	requests, client, err := pipe.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer requests.Close()
	defer client.Close()
	shutdown, err := shared.NewEvent()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(shutdown.Set()) // by any process that has it
	ready, err := pipe.Wait(ctx, requests, shutdown)
	for _, r := range ready {
		switch r {
		case requests:
			fmt.Println("a request")
		case shutdown:
			fmt.Println("the end", err)
		}
	}
	// Output:
	// <nil>
	// the end <nil>
}
