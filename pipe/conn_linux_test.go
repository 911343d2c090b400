package pipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/abi"
)

// recvFails receives what does not come.
func recvFails(t *testing.T, c *Conn, want error) {
	t.Helper()
	if b, err := c.RecvBytes(ctx); !errors.Is(err, want) {
		t.Errorf("received %d bytes, %v, not %v", len(b), err, want)
	}
}

// recvs receives a message that must be next.
func recvs(t *testing.T, c *Conn, want []byte) {
	t.Helper()
	if b, err := c.RecvBytes(ctx); err != nil || !bytes.Equal(b, want) {
		t.Fatalf("received %d bytes, %v, not %d", len(b), err, len(want))
	}
}

// T151, T154, F123, F124, F128: messages of every size keep their boundaries and their order, in both directions.
func TestMessages(t *testing.T) {
	noLeaks(t)
	a, b := pair(t)
	sizes := []int{
		0, 1, 7, 8, 9, 63, 64, 65, 4096, abi.PipeMaxChunk - 1, abi.PipeMaxChunk, abi.PipeMaxChunk + 1, ringSize / 2, ringSize - 16, ringSize - 8, ringSize,
		ringSize + 1, 1 << 20, 16<<20 + 3, 0,
	}
	for _, dir := range [][2]*Conn{{a, b}, {b, a}} {
		done := make(chan error, 1)
		go func() {
			var err error
			b := pattern(16<<20 + 3)
			for _, n := range sizes {
				err = errors.Join(err, dir[0].SendBytes(ctx, b[:n]))
			}
			done <- err
		}()
		var dst []byte
		for i, n := range sizes {
			if i%2 == 0 {
				got, err := dir[1].RecvBytes(ctx)
				if err != nil || !isPattern(got, n) || got == nil {
					t.Fatalf("of %d bytes came %d, %v", n, len(got), err)
				}
				continue
			}
			var err error
			dst = append(dst[:0], "before"...)
			if dst, err = dir[1].RecvAppend(ctx, dst); err != nil || string(dst[:6]) != "before" || !isPattern(dst[6:], n) {
				t.Fatalf("of %d bytes came %d, %v", n, len(dst), err)
			}
		}
		ok(t, <-done)
	}
}

func TestSendBytesDoesNotKeepTheSlice(t *testing.T) {
	a, b := pair(t)
	m := []byte("first")
	ok(t, a.SendBytes(ctx, m))
	copy(m, "other")
	recvs(t, b, []byte("first"))
}

// T151, T167, T169, T170, F127: to look consumes nothing, small messages do not merge, and one without a byte is one.
func TestPoll(t *testing.T) {
	a, b := pair(t)
	polls := func(want bool) {
		t.Helper()
		for range 3 {
			ready, err := b.Poll(ended())
			if ready != want || want != (err == nil) || err != nil && !errors.Is(err, context.Canceled) {
				t.Fatalf("Poll says %v, %v", ready, err)
			}
		}
	}
	polls(false)
	for _, m := range []string{"", "a", "bb", ""} {
		ok(t, a.SendBytes(ctx, []byte(m)))
	}
	for _, m := range []string{"", "a", "bb", ""} {
		polls(true)
		recvs(t, b, []byte(m))
	}
	polls(false)
	lasts(t, func(ctx context.Context) error { _, err := b.Poll(ctx); return err })
	// It waits, too, until the message is whole.
	go func() { _ = a.SendBytes(ctx, pattern(3<<20)) }()
	if ready, err := b.Poll(ctx); !ready || err != nil {
		t.Fatal(ready, err)
	}
	if !b.in.whole() && !b.in.complete() {
		t.Error("Poll says true of a part")
	}
	polls(true)
	recvs(t, b, pattern(3<<20))
	polls(false)
	ok(t, a.Close())
	polls(true)
	recvFails(t, b, io.EOF)
	polls(true)
}

// operations are everything that can be done with an end, and wait if the other does nothing.
func operations(c *Conn) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"SendBytes":  func(ctx context.Context) error { return c.SendBytes(ctx, make([]byte, 2*ringSize)) },
		"Send":       func(ctx context.Context) error { return Send(ctx, c, make([]byte, 2*ringSize)) },
		"RecvBytes":  func(ctx context.Context) error { _, err := c.RecvBytes(ctx); return err },
		"RecvAppend": func(ctx context.Context) error { _, err := c.RecvAppend(ctx, nil); return err },
		"Recv":       func(ctx context.Context) error { _, err := Recv[int](ctx, c); return err },
		"RecvFile":   func(ctx context.Context) error { _, err := c.RecvFile(ctx); return err },
		"Poll":       func(ctx context.Context) error { _, err := c.Poll(ctx); return err },
	}
}

// A context that ends leaves nothing half done.
func TestContexts(t *testing.T) {
	noLeaks(t)
	a, b := pair(t)
	for name, op := range operations(a) {
		t.Run(name, func(t *testing.T) { lasts(t, op) })
	}
	t.Run("SendFile", func(t *testing.T) {
		wants(t, "SendFile", a.SendFile(ended(), os.Stdin), context.Canceled)
	})
	ok(t, a.SendBytes(ctx, []byte("one")))
	ok(t, b.SendBytes(ctx, []byte("two")))
	recvs(t, b, []byte("one"))
	recvs(t, a, []byte("two"))
	ok(t, b.SendBytes(ctx, nil))
	for name, op := range operations(a) {
		wants(t, name+" of what is there, with a context that has ended", op(ended()), map[bool]error{true: nil, false: context.Canceled}[name == "Poll"])
	}
	recvs(t, a, nil)
}

// What came of a message stays with the Conn, whoever wanted it, and however.
func TestReceivingInPieces(t *testing.T) {
	a, b := pair(t)
	const size = 18 * abi.PipeMaxChunk // never more of it under way than the ring holds
	m := pattern(size)
	n := 0
	part := func(until int) {
		for n < until {
			k, _ := a.put(abi.PipeBytes, m, n, ringSize)
			n += k
			a.c.publish()
		}
	}
	part(3 * abi.PipeMaxChunk)
	if _, err := b.Poll(ended()); err == nil {
		t.Fatal("a part is ready")
	}
	part(6 * abi.PipeMaxChunk)
	lasts(t, func(ctx context.Context) error { _, err := b.RecvBytes(ctx); return err })
	part(9 * abi.PipeMaxChunk)
	dst := []byte("before")
	lasts(t, func(ctx context.Context) error { _, err := b.RecvAppend(ctx, dst); return err })
	part(12 * abi.PipeMaxChunk)
	lasts(t, func(ctx context.Context) error { _, err := Recv[string](ctx, b); return err })
	part(15 * abi.PipeMaxChunk)
	lasts(t, func(ctx context.Context) error { _, err := b.RecvBytes(ctx); return err })
	part(16 * abi.PipeMaxChunk)
	go part(size)
	dst, err := b.RecvAppend(ctx, dst)
	if err != nil || string(dst[:6]) != "before" || !isPattern(dst[6:], size) {
		t.Fatalf("%d bytes, %v", len(dst), err)
	}
}

// T158, F123: the end of one side is known to the other, after all that was sent before.
func TestClose(t *testing.T) {
	noLeaks(t)
	a, b := pair(t)
	for i := range 3 {
		ok(t, a.SendBytes(ctx, pattern(i)))
	}
	ok(t, a.Close())
	ok(t, a.Close())
	wants(t, "SendBytes", b.SendBytes(ctx, nil), io.ErrClosedPipe)
	wants(t, "TrySendBytes", b.TrySendBytes(nil), io.ErrClosedPipe)
	wants(t, "SendFile", b.SendFile(ctx, os.Stdin), io.ErrClosedPipe)
	wants(t, "a large message", b.SendBytes(ctx, make([]byte, 2*ringSize)), io.ErrClosedPipe)
	for i := range 3 {
		recvs(t, b, pattern(i))
	}
	recvFails(t, b, io.EOF)
	recvFails(t, b, io.EOF)
	for name, op := range operations(a) {
		wants(t, name, op(ctx), ErrClosed)
		wants(t, name, op(ctx), mp.ErrClosed)
	}
	wants(t, "TrySendBytes", a.TrySendBytes(nil), ErrClosed)
	wants(t, "SendFile", a.SendFile(ctx, os.Stdin), ErrClosed)
	ok(t, a.AwaitReady(ctx))
}

// waiters are three goroutines in one of the operations, each of which tells how it ends. They wait when this returns.
func waiters(t *testing.T, c *Conn, operation string) <-chan error {
	t.Helper()
	ends := make(chan error)
	for range 3 {
		go func() { ends <- operations(c)[operation](ctx) }()
	}
	bell := &c.c.(*rings).bell
	eventually(t, "they wait", func() bool {
		bell.mu.Lock()
		defer bell.mu.Unlock()
		return bell.next != nil
	})
	return ends
}

// Whoever waits when the end is closed comes back, and whoever waits for the other side.
func TestCloseUnderWaiters(t *testing.T) {
	noLeaks(t)
	names := []string{}
	for name := range operations(nil) {
		names = append(names, name)
	}
	for _, name := range names {
		for _, here := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s here %v", name, here), func(t *testing.T) {
				a, b := pair(t)
				got := waiters(t, a, name)
				want := ErrClosed
				if here {
					ok(t, a.Close())
				} else {
					ok(t, b.Close())
					want = io.EOF
					if name[0] == 'S' {
						want = io.ErrClosedPipe
					}
				}
				for range 3 {
					if err := <-got; !errors.Is(err, want) && (name != "Poll" || here || err != nil) {
						t.Errorf("%v, not %v", err, want)
					}
				}
			})
		}
	}
}

// Closing in the middle of a message gives it up: the other side sees an end in order.
func TestCloseInTheMiddleOfAMessage(t *testing.T) {
	a, b := pair(t)
	got := make(chan error)
	go func() { got <- a.SendBytes(ctx, make([]byte, 10*ringSize)) }()
	eventually(t, "a part is under way", func() bool { return b.c.(*rings).rx.tail.Load() > ringSize/2 })
	ok(t, a.Close())
	wants(t, "the sender", <-got, ErrClosed)
	recvFails(t, b, io.EOF)
}

func TestTrySend(t *testing.T) {
	a, b := pair(t)
	n := 0
	for ; ; n++ {
		if err := a.TrySendBytes(pattern(n)); err != nil {
			wants(t, "a message too many", err, ErrFull)
			break
		}
	}
	wants(t, "with a message under way", func() error {
		begun := make(chan struct{})
		go func() { close(begun); _ = a.SendBytes(ctx, make([]byte, 2*ringSize)) }()
		<-begun
		eventually(t, "the sender waits", func() bool { a.tx.mu.Lock(); defer a.tx.mu.Unlock(); return a.tx.taken })
		return a.TrySendBytes(nil)
	}(), ErrFull)
	for i := range n {
		recvs(t, b, pattern(i))
	}
	recvs(t, b, make([]byte, 2*ringSize))
	wants(t, "more than fits", a.TrySendBytes(make([]byte, ringSize)), ErrTooLarge)
	most := pattern(ringSize - (ringSize/abi.PipeMaxChunk+1)*8)
	ok(t, a.TrySendBytes(most))
	wants(t, "when it is full", a.TrySendBytes(nil), ErrFull)
	recvs(t, b, most)
}

// W35, F125: what is too large is skipped, and the connection goes on.
func TestMaxMessage(t *testing.T) {
	a, b := pair(t)
	b.in.max = 1000
	sizes := []int{1000, 1001, 0, 10 * ringSize, 5, abi.PipeMaxChunk, 1000}
	go func() {
		for _, n := range sizes {
			_ = a.SendBytes(ctx, pattern(n))
		}
	}()
	for _, n := range sizes {
		if ready, err := b.Poll(ctx); !ready || err != nil {
			t.Fatal(ready, err)
		}
		if n > 1000 {
			recvFails(t, b, ErrTooLarge)
		} else {
			recvs(t, b, pattern(n))
		}
	}
}

type answer struct {
	Text  string
	Count map[string]int
}

// F131: several goroutines at each end. Nothing is lost, doubled or mixed, and each sender's messages keep their order.
func TestManyAtOnce(t *testing.T) {
	noLeaks(t)
	a, b := pair(t)
	const senders, receivers, each = 4, 3, 2000
	var all, sending sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			for i := range each {
				m := pattern(10 + (i*i)%900)
				if i%100 == s {
					m = pattern(100_000 + i)
				}
				m[0], m[1], m[2], m[3] = byte(s), byte(i), byte(i>>8), byte(len(m))
				if err := a.SendBytes(ctx, m); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var mu sync.Mutex
	seen := make(map[[2]int]int)
	for range receivers {
		all.Go(func() {
			last := [senders]int{-1, -1, -1, -1}
			for {
				m, err := b.RecvBytes(ctx)
				if err != nil {
					wants(t, "at the end", err, io.EOF)
					return
				}
				s, i := int(m[0]), int(m[1])|int(m[2])<<8
				if m[3] != byte(len(m)) || !bytes.Equal(m[4:], pattern(len(m))[4:]) {
					t.Errorf("message %d of sender %d is damaged", i, s)
				}
				if i <= last[s] {
					t.Errorf("message %d of sender %d came after %d", i, s, last[s])
				}
				last[s] = i
				mu.Lock()
				seen[[2]int{s, i}]++
				mu.Unlock()
			}
		})
	}
	sending.Wait()
	ok(t, a.Close())
	all.Wait()
	if len(seen) != senders*each {
		t.Errorf("%d of %d came", len(seen), senders*each)
	}
	for key, n := range seen {
		if n != 1 {
			t.Errorf("%v came %d times", key, n)
		}
	}
}

// The paths that have to be fast make no garbage.
func TestNoAllocations(t *testing.T) {
	a, b := pair(t)
	for _, n := range []int{0, 64, 4096, abi.PipeMaxChunk} {
		m, dst := make([]byte, n), make([]byte, 0, n)
		if allocs := testing.AllocsPerRun(100, func() {
			if err := a.SendBytes(ctx, m); err != nil {
				t.Error(err)
			}
			if err := a.TrySendBytes(m[:n/2]); err != nil {
				t.Error(err)
			}
			for range 2 {
				if _, err := b.RecvAppend(ctx, dst); err != nil {
					t.Error(err)
				}
			}
		}); allocs > 0 {
			t.Errorf("%d bytes cost %v allocations", n, allocs)
		}
	}
}
