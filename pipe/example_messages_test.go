package pipe_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/go-multiproc/mp/pipe"
)

// What is received must be what was sent. A message of another kind stays, for who asks for the right one.
func ExampleRecv() {
	ctx := context.Background()
	here, there, err := pipe.New()
	if err != nil {
		log.Fatal(err)
	}
	defer here.Close()
	defer there.Close()
	if err := errors.Join(here.SendBytes(ctx, []byte("raw")), pipe.Send(ctx, here, []float64{1, 2.5})); err != nil {
		log.Fatal(err)
	}
	_, err = pipe.Recv[[]float64](ctx, there)
	fmt.Println(errors.Is(err, pipe.ErrKind))
	raw, err := there.RecvBytes(ctx)
	fmt.Println(string(raw), err)
	fmt.Println(pipe.Recv[[]float64](ctx, there))
	// Output:
	// true
	// raw <nil>
	// [1 2.5] <nil>
}

// The two sides do not agree on what they talk about: the error names what was wanted, and the connection goes on.
func ExampleTypeError() {
	ctx := context.Background()
	here, there, err := pipe.New()
	if err != nil {
		log.Fatal(err)
	}
	defer here.Close()
	defer there.Close()
	if err := errors.Join(pipe.Send(ctx, here, "forty-two"), pipe.Send(ctx, here, 42)); err != nil {
		log.Fatal(err)
	}
	_, err = pipe.Recv[int](ctx, there)
	if other, ok := errors.AsType[*pipe.TypeError](err); ok {
		fmt.Println("it was no", other.Want)
	}
	fmt.Println(pipe.Recv[int](ctx, there))
	// Output:
	// it was no int
	// 42 <nil>
}

// A reader that gets many messages uses one buffer for all of them.
func ExampleConn_RecvAppend() {
	ctx := context.Background()
	here, there, err := pipe.New()
	if err != nil {
		log.Fatal(err)
	}
	defer here.Close()
	defer there.Close()
	if err := errors.Join(here.SendBytes(ctx, []byte("one")), here.SendBytes(ctx, []byte("two"))); err != nil {
		log.Fatal(err)
	}
	buffer := make([]byte, 0, 1024)
	for range 2 {
		buffer, err = there.RecvAppend(ctx, buffer[:0])
		fmt.Println(string(buffer), err)
	}
	// Output:
	// one <nil>
	// two <nil>
}

// Who must not wait for a slow reader drops what there is no room for.
func ExampleConn_TrySendBytes() {
	here, there, err := pipe.New()
	if err != nil {
		log.Fatal(err)
	}
	defer here.Close()
	defer there.Close()
	sample, sent := make([]byte, 1000), 0
	for err == nil {
		if err = here.TrySendBytes(sample); err == nil {
			sent++
		}
	}
	fmt.Println(sent > 0, errors.Is(err, pipe.ErrFull))
	// Output: true true
}
