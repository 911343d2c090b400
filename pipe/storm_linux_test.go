package pipe

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"
)

// Everything at once, with contexts that end, while both ends are closed at some moment: whoever is inside comes back, with an
// error that belongs there, and nobody touches memory that is gone.
func TestCloseInAStorm(t *testing.T) {
	noLeaks(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for round := range uint64(100) {
		storm(t, rand.New(rand.NewPCG(seed, round)))
	}
}

func storm(t *testing.T, dice *rand.Rand) {
	t.Helper()
	a, b := pair(t)
	var all sync.WaitGroup
	for _, c := range []*Conn{a, b} {
		for i, op := range []func(context.Context) error{
			func(ctx context.Context) error { return c.SendBytes(ctx, pattern(100)) },
			func(ctx context.Context) error { return c.SendBytes(ctx, pattern(2*ringSize)) },
			func(ctx context.Context) error { return Send(ctx, c, "value") },
			func(ctx context.Context) error { return c.SendFile(ctx, os.Stdin) },
			func(context.Context) error { return c.TrySendBytes(pattern(1000)) },
			func(ctx context.Context) error { _, err := c.RecvBytes(ctx); return err },
			func(ctx context.Context) error { _, err := c.RecvAppend(ctx, nil); return err },
			func(ctx context.Context) error { _, err := Recv[string](ctx, c); return err },
			func(ctx context.Context) error {
				f, err := c.RecvFile(ctx)
				if err == nil {
					f.Close()
				}
				return err
			},
			func(ctx context.Context) error { _, err := c.Poll(ctx); return err },
			func(ctx context.Context) error {
				if _, err := Wait(ctx, c); err != nil {
					return err
				}
				_, err := c.Poll(ended()) // Wait does not tell of a Close
				return err
			},
		} {
			d := rand.New(rand.NewPCG(dice.Uint64(), uint64(i)))
			all.Go(func() { repeat(t, d, op) })
		}
	}
	for range dice.IntN(2000) {
		_, _ = a.Poll(ended())
	}
	order := []*Conn{a, b, a}
	for _, c := range order[dice.IntN(2):] {
		all.Go(func() { ok(t, c.Close()) })
	}
	all.Wait()
}

// repeat repeats an operation until its end is gone.
func repeat(t *testing.T, dice *rand.Rand, op func(context.Context) error) {
	for {
		limited, cancel := context.WithTimeout(ctx, time.Duration(dice.IntN(2_000_000)))
		err := op(limited)
		cancel()
		switch {
		case errors.Is(err, ErrClosed), errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe), errors.Is(err, io.ErrUnexpectedEOF):
			return
		case err == nil, errors.Is(err, ErrFull), errors.Is(err, ErrKind), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		default:
			t.Error(err)
			return
		}
	}
}
