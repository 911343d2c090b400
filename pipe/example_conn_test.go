package pipe_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/go-multiproc/mp/pipe"
)

// To receive until the other end is closed.
func ExampleConn_RecvBytes() {
	ctx := context.Background()
	here, there, err := pipe.New()
	if err != nil {
		log.Fatal(err)
	}
	defer here.Close()
	go func() {
		defer there.Close()
		_ = there.SendBytes(ctx, []byte("first"))
		_ = there.SendBytes(ctx, []byte("second"))
	}()
	for {
		m, err := here.RecvBytes(ctx)
		if errors.Is(err, io.EOF) {
			fmt.Println("the other end is closed")
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", m)
	}
	// Output:
	// first
	// second
	// the other end is closed
}

func ExampleSend() {
	type question struct{ Text string }
	type answer struct{ Number int }
	ctx := context.Background()
	here, there, err := pipe.New()
	if err != nil {
		log.Fatal(err)
	}
	defer here.Close()
	go func() {
		defer there.Close()
		if q, err := pipe.Recv[question](ctx, there); err == nil && q.Text == "how many?" {
			_ = pipe.Send(ctx, there, answer{42})
		}
	}()
	if err := pipe.Send(ctx, here, question{"how many?"}); err != nil {
		log.Fatal(err)
	}
	a, err := pipe.Recv[answer](ctx, here)
	fmt.Println(a.Number, err)
	// Output: 42 <nil>
}

// A context that has ended makes Poll look without waiting.
func ExampleConn_Poll() {
	here, there, err := pipe.New()
	if err != nil {
		log.Fatal(err)
	}
	defer here.Close()
	defer there.Close()
	limited, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	ready, err := here.Poll(limited)
	fmt.Println(ready, err)
	_ = there.TrySendBytes([]byte("now"))
	ready, err = here.Poll(limited)
	fmt.Println(ready, err)
	// Output:
	// false context deadline exceeded
	// true <nil>
}
