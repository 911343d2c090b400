package pipe_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/go-multiproc/mp/pipe"
)

// A server for strangers: they need a key, and cannot make it take memory.
func ExampleConfig() {
	ctx := context.Background()
	config := pipe.Config{AuthKey: []byte("32 bytes of crypto/rand, in fact"), MaxMessage: 1000}
	l, err := pipe.Listen("tcp", "localhost:0", config)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	client, err := pipe.Dial(ctx, "tcp", l.Addr().String(), config)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	go func() {
		_ = client.SendBytes(ctx, make([]byte, 1001))
		_ = client.SendBytes(ctx, []byte("a short one"))
	}()
	_, err = server.RecvBytes(ctx)
	fmt.Println(errors.Is(err, pipe.ErrTooLarge))
	m, err := server.RecvBytes(ctx)
	fmt.Println(string(m), err)
	// Output:
	// true
	// a short one <nil>
}

// A server that asks the kernel who has connected.
func ExamplePeer() {
	ctx := context.Background()
	l, err := pipe.Listen("unix", "", pipe.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	client, err := pipe.Dial(ctx, "unix", l.Addr().String(), pipe.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	who := server.Peer()
	fmt.Println(who.PID == os.Getpid(), who.UID == os.Geteuid(), who.TLS)
	// Output: true true <nil>
}

// Who dials an address where nobody listens is told so at once.
func ExampleDial() {
	_, err := pipe.Dial(context.Background(), "unix", "/tmp/there-is-no-such-socket", pipe.Config{})
	fmt.Println(errors.Is(err, os.ErrNotExist))
	// Output: true
}
