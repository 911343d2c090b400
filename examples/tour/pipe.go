package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/pipe"
)

const roundTrips = 10_000

// shout answers each text with itself in capitals, until the other end is closed, and returns how many that were.
var shout = mp.Func("tour.shout", func(ctx context.Context, end *pipe.Conn) (int, error) {
	for n := 0; ; n++ {
		text, err := pipe.Recv[string](ctx, end)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if err := pipe.Send(ctx, end, strings.ToUpper(text)); err != nil {
			return n, err
		}
	}
})

func pipes(ctx context.Context, p *page) error {
	p.say("A pipe has two ends. One goes to another process as an argument, and belongs there from then on: it answers what comes")
	p.say("until this end is closed.\n")
	here, there, err := pipe.New()
	if err != nil {
		return err
	}
	defer func() { _ = here.Close() }() // it is closed before, if all goes well
	other, err := shout.Start(ctx, there)
	if err != nil {
		return err
	}
	defer end(other)

	if err := converse(ctx, here, "hello", "HELLO"); err != nil {
		return err
	}
	p.say("  sent      hello")
	p.say("  received  HELLO")
	start := time.Now()
	for range roundTrips {
		if err := converse(ctx, here, "again", "AGAIN"); err != nil {
			return err
		}
	}
	took := time.Since(start)
	if err := here.Close(); err != nil {
		return err
	}
	n, err := other.Wait(ctx)
	if err != nil {
		return err
	}
	if n != roundTrips+1 {
		return fmt.Errorf("%d texts were answered, want %d", n, roundTrips+1)
	}
	p.say("  closed    after %s texts", number(n))
	p.say("\n%s there and back took %s, %.1f µs each. The end of a pipe whose process is killed is closed as well.",
		number(roundTrips), ms(took), took.Seconds()*1e6/roundTrips)
	return nil
}

// converse sends a text and checks the answer.
func converse(ctx context.Context, c *pipe.Conn, text, want string) error {
	if err := pipe.Send(ctx, c, text); err != nil {
		return err
	}
	got, err := pipe.Recv[string](ctx, c)
	if err == nil && got != want {
		err = fmt.Errorf("%q was answered with %q", text, got)
	}
	return err
}
