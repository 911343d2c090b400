package mp_test

import (
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp"
)

// T125, H10: Init has run exactly once in each worker when NewPool returns, and runs in none again, whatever that does.
func TestConformInitRunsOnce(t *testing.T) {
	noLeaks(t)
	for _, workers := range []int{1, 3} {
		path := filepath.Join(t.TempDir(), "inits")
		pool := newPool(t, mp.PoolConfig{Workers: workers, Init: teardown.With(path)}) // which leaves a line
		count := func(when string) {
			t.Helper()
			if b, err := os.ReadFile(path); err != nil || strings.Count(string(b), "\n") != workers {
				t.Errorf("%d workers, %s: Init has run %d times, %v", workers, when, strings.Count(string(b), "\n"), err)
			}
		}
		count("before the first element")
		mustMap(t, square, pool, make([]int, 500))
		_, _ = fail.Call(ctx, pool, "panic")
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
		count("at the end")
	}
}

// T190, H14: signals that the program handles while it waits for a process neither end the wait nor change what comes of it.
func TestConformSignalsDuringWait(t *testing.T) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1) // whose goroutine stays
	defer signal.Stop(signals)
	noLeaks(t)
	path, feed := fifo(t)
	p, err := read.Start(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	var waiters sync.WaitGroup
	for range 3 {
		waiters.Go(func() {
			if _, err := p.Wait(ctx); err != nil || p.ExitCode() != 0 {
				t.Errorf("%v, exit code %d", err, p.ExitCode())
			}
		})
	}
	for range 20 {
		if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		<-signals
		if !p.Alive() {
			t.Fatal("the process has ended")
		}
	}
	feed()
	waiters.Wait()
}
