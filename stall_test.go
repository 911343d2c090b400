//go:build linux

package mp_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
)

// fifo is a pipe with a name: to read it blocks until feed.
func fifo(t *testing.T) (path string, feed func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, func() {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Error(err)
		}
	}
}

// stop stops a process and waits until it stands.
func stop(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "every thread of the process is stopped", func() bool { return proctest.Stopped(pid) })
}

func resume(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// A chunk may be larger than what one message can count.
func TestChunkOfManyTinyElements(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		const n = 100_000
		if out, err := nothing.Map(ctx, x, make([]struct{}, n), mp.ChunkSize(n)); len(out) != n || err != nil {
			t.Errorf("%d results without bytes, %v", len(out), err)
		}
		out, err := not.Map(ctx, x, make([]bool, n), mp.ChunkSize(n))
		if err != nil || slices.Contains(out, false) {
			t.Errorf("%d results of one byte, %v", len(out), err)
		}
	})
}

// W26: outcomes do not lie behind an element that takes long, whether it is of their batch or of the next.
func TestOutcomesDoNotWaitForALongElement(t *testing.T) {
	noLeaks(t)
	path, feed := fifo(t)
	for _, chunk := range []int{1, 3, 100} {
		pool := newPool(t, mp.PoolConfig{Workers: 1})
		for round := range 50 {
			in := append(slices.Repeat([]string{os.DevNull}, 1+round%10), path)
			n := 0
			for _, r := range read.Results(ctx, pool, slices.Values(in), mp.ChunkSize(chunk)) {
				if r.Err != nil {
					t.Fatal(r.Err)
				}
				if n++; n == len(in)-1 {
					feed() // only now can the last go on
				}
			}
		}
		// The same with all of it given at once.
		n := atomic.Int64{}
		in := append(slices.Repeat([]string{os.DevNull}, 9), path)
		if _, err := read.Map(ctx, pool, in, mp.ChunkSize(chunk), mp.Observe(func(e mp.Event) {
			if e.Kind == mp.EventFinish && n.Add(1) == 9 {
				go feed()
			}
		})); err != nil {
			t.Error(err)
		}
	}
}

// A large argument that waits for a worker with nothing else gets it, also when what it waited for was taken back.
func TestLargeBehindWhatIsCancelled(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 1})
	worker := pool.Workers()[0].PID
	for _, first := range []int{10, 900_000, 20 << 20} {
		stop(t, worker)
		a, b := echo.Go(ctx, pool, pattern(first)), echo.Go(ctx, pool, pattern(900_000))
		a.Cancel()
		resume(t, worker)
		if r, err := b.Wait(ctx); err != nil || !isPattern(r, 900_000) {
			t.Errorf("behind %d bytes: %d, %v", first, len(r), err)
		}
	}
	// And behind a batch of which a part was answered, a part runs, and the rest was taken back.
	path, feed := fifo(t)
	in := slices.Repeat([]string{os.DevNull}, 10)
	in[3] = path
	c, cancel := context.WithCancel(ctx)
	n := 0
	if _, err := read.Map(c, pool, in, mp.ChunkSize(10), mp.Observe(func(e mp.Event) {
		if e.Kind != mp.EventFinish {
			return
		}
		if n++; n == 3 {
			cancel()
		}
	})); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	feed()
	for range 3 {
		if r, err := echo.Call(ctx, pool, pattern(900_000)); err != nil || !isPattern(r, 900_000) {
			t.Errorf("%d, %v", len(r), err)
		}
	}
}
