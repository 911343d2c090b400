package pipe_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"

	"github.com/go-multiproc/mp/pipe"
)

// Two programs, here in one: they have a key and an address in common, and nothing else.
func Example_programs() {
	ctx := context.Background()
	config := pipe.Config{AuthKey: []byte("from a file that both can read")}

	// The one that serves.
	l, err := pipe.Listen("tcp", "localhost:0", config)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept(ctx)
			if err != nil {
				return // it is closed
			}
			go serve(ctx, c)
		}
	}()

	// The one that asks.
	c, err := pipe.Dial(ctx, "tcp", l.Addr().String(), config)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for _, name := range []string{"Ada", "Grace"} {
		if err := pipe.Send(ctx, c, name); err != nil {
			log.Fatal(err)
		}
		greeting, err := pipe.Recv[string](ctx, c)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(greeting)
	}

	// One that does not have the key.
	_, err = pipe.Dial(ctx, "tcp", l.Addr().String(), pipe.Config{AuthKey: []byte("a guess")})
	fmt.Println(errors.Is(err, pipe.ErrAuth))
	// Output:
	// Hello, Ada
	// Hello, Grace
	// true
}

func serve(ctx context.Context, c *pipe.Conn) {
	defer c.Close()
	for {
		name, err := pipe.Recv[string](ctx, c)
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = pipe.Send(ctx, c, "Hello, "+name)
		}
		if err != nil {
			log.Print(err)
			return
		}
	}
}

// Between processes of one user on one machine there is nothing to configure.
func ExampleListen() {
	ctx := context.Background()
	l, err := pipe.Listen("unix", "", pipe.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	here, err := pipe.Dial(ctx, "unix", l.Addr().String(), pipe.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer here.Close()
	there, err := l.Accept(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer there.Close()
	if err := here.SendBytes(ctx, []byte("hello")); err != nil {
		log.Fatal(err)
	}
	b, err := there.RecvBytes(ctx)
	fmt.Println(string(b), err)
	fmt.Println(there.Peer().UID == here.Peer().UID)
	// Output:
	// hello <nil>
	// true
}
