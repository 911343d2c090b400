package pipe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-multiproc/mp/internal/abi"
)

// move takes an end out and makes another of it.
func move(t testing.TB, c *Conn) *Conn {
	t.Helper()
	p, err := c.detach()
	ok(t, err)
	moved, err := attach(p)
	ok(t, err)
	t.Cleanup(func() { ok(t, moved.Close()) })
	return moved
}

// T171: an end that moves takes with it what was sent to it, in either direction, files too.
func TestMove(t *testing.T) {
	noLeaks(t)
	a, b := pair(t)
	for range 3 {
		for i, c := range []*Conn{a, b} {
			f := content(t, "text")
			ok(t, c.SendBytes(ctx, pattern(1000*(i+1))))
			ok(t, c.SendFile(ctx, f))
			f.Close()
		}
	}
	recvs(t, a, pattern(2000))
	recvsFile(t, a, "text")
	a1 := move(t, a)
	b1 := move(t, b)
	for name, op := range operations(a) {
		wants(t, name, op(ctx), ErrMoved)
		wants(t, name, op(ctx), ErrClosed)
	}
	_, err := a.detach()
	wants(t, "to move it twice", err, ErrMoved)
	ok(t, a.Close())
	for range 3 {
		recvs(t, b1, pattern(1000))
		recvsFile(t, b1, "text")
	}
	for range 2 {
		recvs(t, a1, pattern(2000))
		recvsFile(t, a1, "text")
	}
	// Both directions work, full rings and all.
	go func() { _ = b1.SendBytes(ctx, pattern(10*ringSize)) }()
	recvs(t, a1, pattern(10*ringSize))
	go func() { _ = a1.SendBytes(ctx, pattern(10*ringSize)) }()
	recvs(t, b1, pattern(10*ringSize))
	ok(t, a1.Close())
	_, err = a1.detach()
	wants(t, "to move what is closed", err, ErrClosed)
	recvFails(t, b1, io.EOF)
}

// Who waits at an end that moves comes back; the message that was half there goes on in the other place, and the one that was
// half sent is given up.
func TestMoveUnderWaiters(t *testing.T) {
	noLeaks(t)
	for name := range operations(nil) {
		t.Run(name, func(t *testing.T) {
			a, b := pair(t)
			got := waiters(t, a, name)
			a1 := move(t, a)
			for range 3 {
				wants(t, "who waited", <-got, ErrMoved)
			}
			ok(t, a1.SendBytes(ctx, []byte("first")))
			recvs(t, b, []byte("first"))
			ok(t, b.SendBytes(ctx, []byte("second")))
			recvs(t, a1, []byte("second"))
		})
	}
}

func TestDetachInTheMiddleOfAMessage(t *testing.T) {
	noLeaks(t)
	a, b := pair(t)
	const size = 10 * ringSize
	done := make(chan error, 1)
	go func() { done <- a.SendBytes(ctx, pattern(size)) }()
	for range 5 {
		lasts(t, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		if _, err := b.Poll(ended()); err == nil {
			t.Fatal("a part is ready")
		}
		b = move(t, b)
	}
	recvs(t, b, pattern(size))
	ok(t, <-done)
}

// Ends that move all the time under traffic lose nothing and double nothing.
func TestMoveUnderTraffic(t *testing.T) {
	noLeaks(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	a, b := pair(t)
	var ends [2]atomic.Pointer[Conn]
	ends[0].Store(a)
	ends[1].Store(b)
	const messages = 1000
	var all sync.WaitGroup
	var received atomic.Int64
	for i := range ends {
		all.Go(func() { // sends
			dice := rand.New(rand.NewPCG(seed, uint64(i)))
			for n := range messages {
				m := pattern(8 + dice.IntN(200))
				if n%50 == 0 {
					m = pattern(ringSize * 2)
				}
				m[0], m[1] = byte(n), byte(n>>8)
				for {
					err := ends[i].Load().SendBytes(ctx, m)
					if err == nil {
						break
					}
					if !errors.Is(err, ErrMoved) {
						t.Errorf("message %d: %v", n, err)
						return
					}
					runtime.Gosched()
				}
			}
		})
		all.Go(func() { // receives
			for n := 0; n < messages; {
				m, err := ends[1-i].Load().RecvBytes(ctx)
				if errors.Is(err, ErrMoved) {
					runtime.Gosched()
					continue
				}
				if err != nil || int(m[0])|int(m[1])<<8 != n || !bytes.Equal(m[2:], pattern(len(m))[2:]) {
					t.Errorf("message %d: %d bytes, %v", n, len(m), err)
					return
				}
				n++
				received.Add(1)
			}
		})
	}
	var moving sync.WaitGroup
	moving.Go(func() {
		dice := rand.New(rand.NewPCG(seed, 2))
		for next := int64(10); next < 2*messages; next += int64(dice.IntN(100)) {
			// A large message needs some time without a move to come through.
			for received.Load() < next && !t.Failed() {
				runtime.Gosched()
			}
			i := dice.IntN(2)
			p, err := ends[i].Load().detach()
			if err != nil {
				t.Error(err)
				return
			}
			c, err := attach(p)
			if err != nil {
				t.Error(err)
				return
			}
			ends[i].Store(c)
		}
	})
	all.Wait()
	moving.Wait()
	ok(t, errors.Join(ends[0].Load().Close(), ends[1].Load().Close()))
}

// T183: whatever the token of an end is damaged to, it makes no end, or one that can be used and closed.
func TestAttachNonsense(t *testing.T) {
	noLeaks(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		a, b := pair(t)
		k, _ := b.put(abi.PipeBytes, make([]byte, 3*abi.PipeMaxChunk), 0, ringSize)
		b.c.publish()
		ok(t, b.SendFile(ctx, os.Stdin))
		_, _ = a.Poll(ended())
		p, err := a.detach()
		ok(t, err)
		if k != abi.PipeMaxChunk || len(p.state) < k {
			t.Fatal("the part is not in the state")
		}
		for range 1 + dice.IntN(3) {
			at := dice.IntN(len(p.state))
			if dice.IntN(4) > 0 { // where the fields are
				at = dice.IntN(100)
			}
			p.state[at] ^= 1 << dice.IntN(8)
		}
		c, err := attach(p)
		if err != nil {
			p.close()
			continue
		}
		_ = c.TrySendBytes(make([]byte, 1000))
		_, _ = c.Poll(ended())
		_ = b.TrySendBytes(make([]byte, 1000))
		_, _ = c.Poll(ended())
		ok(t, c.Close())
	}
}
