//go:build linux

package endure

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/mptest"
)

// await waits for a condition; the test binary's own timeout ends what never holds.
func await(cond func() bool) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !cond() {
		<-tick.C
	}
}

// noneToSpare leaves this process, and what it starts, with no descriptor but those that are open.
func noneToSpare(t *testing.T) func() {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	restore := setSoft(t, unix.RLIMIT_NOFILE, uint64(len(entries)))
	// Those that are free below the limit are taken.
	var taken []int
	for {
		fd, err := unix.Dup(0)
		if err != nil {
			break
		}
		unix.CloseOnExec(fd)
		taken = append(taken, fd)
	}
	return func() {
		restore()
		for _, fd := range taken {
			_ = unix.Close(fd)
		}
	}
}

func murder(t *testing.T, pool *mp.Pool, worker int) {
	t.Helper()
	if err := syscall.Kill(pool.Workers()[worker].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// outcomes maps n elements, checks that each has one outcome, and returns the errors.
func outcomes(t *testing.T, pool *mp.Pool, n int) (errs []error) {
	t.Helper()
	seen := make([]bool, n)
	for i, r := range double.Results(ctx, pool, func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}) {
		if seen[i] || r.Err == nil && r.Value != 2*i {
			t.Errorf("element %d: %+v, seen %v", i, r, seen[i])
		}
		seen[i] = true
		if r.Err != nil {
			errs = append(errs, r.Err)
		}
	}
	if i := slices.Index(seen, false); i >= 0 {
		t.Errorf("element %d has no outcome", i)
	}
	return errs
}

// A pool one of whose workers dies while there is no descriptor for another goes on with the rest, and is whole again once there is.
func TestNoDescriptorForASuccessor(t *testing.T) {
	if !inside(t, surrounding{}) {
		return
	}
	mptest.NoLeaks(t)
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 3})
	if err != nil {
		t.Fatal(err)
	}
	before := pool.Stats()
	restore := noneToSpare(t)
	murder(t, pool, 0) // what it leaves, eight, is too little for the start of another
	await(func() bool { return pool.Stats().RestartsBy["start failed"] > 5 })
	if errs := outcomes(t, pool, 10_000); len(errs) > 0 {
		t.Errorf("elements that nobody hurt: %v", errs)
	}
	restore()
	if err := pool.Ready(ctx); err != nil {
		t.Errorf("there are descriptors again: %v", err)
	}
	if errs := outcomes(t, pool, 1000); len(errs) > 0 {
		t.Errorf("afterwards: %v", errs)
	}
	after := pool.Stats()
	t.Logf("%d restarts before, %d after: %v", before.Restarts, after.Restarts, after.RestartsBy)
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
}

// A pool whose only worker dies then fails, with the reason, also to who asks later; and it leaves nothing.
func TestNoDescriptorForTheOnlySuccessor(t *testing.T) {
	if !inside(t, surrounding{}) {
		return
	}
	mptest.NoLeaks(t)
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	restore := noneToSpare(t)
	murder(t, pool, 0)
	_, err = double.Map(ctx, pool, make([]int, 1000), mp.Retries(3)) // one of them may have been begun
	if !errors.Is(err, syscall.EMFILE) {
		t.Errorf("a map: %v", err)
	}
	if _, err := double.Call(ctx, pool, 1); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("a call: %v", err)
	}
	if err := pool.Ready(ctx); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("Ready: %v", err)
	}
	t.Log(err)
	restore()
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
	work(t, "another pool")
}

// glut takes all descriptors that its process can have, and returns how many.
var glut = mp.Func("endure.glut", func(context.Context, int) (n int, err error) {
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 64, Max: 64}); err != nil {
		return 0, err
	}
	for ; err == nil; n++ {
		var fd int
		if fd, err = unix.Dup(0); err == nil {
			glutted = append(glutted, fd)
		}
	}
	if !errors.Is(err, syscall.EMFILE) {
		return n, err
	}
	return n, nil
})

// fast gives them back.
var fast = mp.Func("endure.fast", func(context.Context, int) (int, error) {
	for _, fd := range glutted {
		_ = unix.Close(fd)
	}
	n := len(glutted)
	glutted = nil
	return n, nil
})

var glutted []int

// A worker that has taken all descriptors it can have works on: elements need none. What it is asked beside them, it cannot answer, and
// that is told; once it has given some back, it can.
func TestWorkerWithoutDescriptors(t *testing.T) {
	if !inside(t, surrounding{}) {
		return
	}
	mptest.NoLeaks(t)
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := glut.Call(ctx, pool, 0); err != nil || n < 10 {
		t.Fatalf("%d, %v", n, err)
	}
	if errs := outcomes(t, pool, 1000); len(errs) > 0 {
		t.Errorf("without descriptors: %v", errs)
	}
	if text, err := pool.Stacks(ctx, 0); err == nil || !strings.Contains(err.Error(), "descriptor") {
		t.Errorf("%v; it answered: %s", err, text)
	}
	if _, err := fast.Call(ctx, pool, 0); err != nil {
		t.Error(err)
	}
	if text, err := pool.Stacks(ctx, 0); err != nil || !strings.Contains(text, "goroutine") {
		t.Errorf("with descriptors again: %v: %s", err, text)
	}
	if s := pool.Stats(); s.Restarts != 0 {
		t.Errorf("%+v", s)
	}
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
}
