package pipe

import (
	"context"
	"errors"
	"math"
	"os"
	"sync"
	"testing"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
)

// pairAt is a connection that has carried so many bytes already, in both directions.
func pairAt(t *testing.T, at uint64) (a, b *Conn) {
	t.Helper()
	x, y, err := osenv.Default().Socketpair()
	ok(t, err)
	memory, err := newMemory()
	ok(t, err)
	again, err := duplicate(memory)
	ok(t, err)
	var conns [2]*Conn
	for end, files := range [][2]*os.File{{x, memory}, {y, again}} {
		r, err := resumeRings(files[0], files[1], end, at, at, at)
		ok(t, err)
		r.tx.tail.Store(at)
		r.tx.head.Store(at)
		conns[end] = newConn(r, 0)
	}
	t.Cleanup(func() { ok(t, errors.Join(conns[0].Close(), conns[1].Close())) })
	return conns[0], conns[1]
}

// Positions count all that was ever sent, and may pass any number.
func TestPositionsAtTheirEdges(t *testing.T) {
	noLeaks(t)
	for _, at := range []uint64{1<<32 - 128, 1<<63 - 128, math.MaxUint64 - 127} {
		a, b := pairAt(t, at)
		for i := range 20 {
			ok(t, a.SendBytes(ctx, pattern(i)))
			f := content(t, "text")
			ok(t, a.SendFile(ctx, f))
			f.Close()
		}
		for i := range 20 {
			recvs(t, b, pattern(i))
			recvsFile(t, b, "text")
		}
		if n, err := a.c.(*rings).filesUnderWay(); n != 0 || err != nil {
			t.Errorf("%d files are under way, %v", n, err)
		}
		go func() { _ = b.SendBytes(ctx, pattern(3*ringSize)) }()
		recvs(t, a, pattern(3*ringSize))
	}
}

// Who waits does so in the runtime's poller.
func TestWaitingCostsNoThread(t *testing.T) {
	noLeaks(t)
	threads := func() int {
		tasks, err := os.ReadDir("/proc/self/task")
		ok(t, err)
		return len(tasks)
	}
	before := threads()
	limited, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	const conns = 100
	for range conns {
		_, b := pair(t)
		for _, wait := range []func() error{
			func() error { _, err := b.RecvBytes(limited); return err },
			func() error { _, err := Wait(limited, b); return err },
			func() error { return b.SendBytes(limited, make([]byte, 2*ringSize)) },
		} {
			all.Go(func() { wants(t, "who waits", wait(), context.Canceled) })
		}
		eventually(t, "they sleep", func() bool {
			r := b.c.(*rings)
			return r.rx.reading.Load() == abi.PipeAsleep && r.tx.writing.Load() == abi.PipeAsleep
		})
	}
	if more := threads() - before; more > conns/4 {
		t.Errorf("%d threads more", more)
	}
	cancel()
	all.Wait()
}

// T169: while somebody receives a message, there is nothing for others; who waits for the next does so until that has come.
func TestPollBehindAReceiver(t *testing.T) {
	noLeaks(t)
	a, b := pair(t)
	m := pattern(2 * abi.PipeMaxChunk)
	k, _ := a.put(abi.PipeBytes, m, 0, ringSize)
	a.c.publish()
	got := make(chan []byte)
	go func() {
		m, _ := b.RecvBytes(ctx)
		got <- m
	}()
	taken := func() bool { b.rx.mu.Lock(); defer b.rx.mu.Unlock(); return b.rx.taken }
	eventually(t, "it is received", taken)
	lasts(t, func(ctx context.Context) error { _, err := b.Poll(ctx); return err })
	polled := make(chan bool)
	go func() {
		ready, _ := b.Poll(ctx)
		polled <- ready
	}()
	_, _ = a.put(abi.PipeBytes, m, k, ringSize)
	a.c.publish()
	if !isPattern(<-got, len(m)) {
		t.Error("it is damaged")
	}
	ok(t, a.SendBytes(ctx, nil))
	if !<-polled {
		t.Error("Poll missed the next message")
	}
	recvs(t, b, nil)
}
