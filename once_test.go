//go:build linux

package mp_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

type marked struct {
	Log   string
	Index int
	Work  time.Duration
	Pad   []byte
}

// mark notes in a file that an element has begun, and in which process, in one write; then it works, and answers with
// what it was given.
var mark = mp.Func("mark", func(_ context.Context, m marked) ([]byte, error) {
	f, err := os.OpenFile(m.Log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	record := binary.LittleEndian.AppendUint64(nil, uint64(m.Index))
	record = binary.LittleEndian.AppendUint64(record, uint64(os.Getpid()))
	_, err = f.Write(record)
	_ = f.Close()
	for end := time.Now().Add(m.Work); time.Now().Before(end); {
	}
	return m.Pad, err
})

// marks reads by index which processes have begun each element.
func marks(t *testing.T, log string, n int) [][]int {
	t.Helper()
	b, err := os.ReadFile(log)
	if err != nil || len(b)%16 != 0 {
		t.Fatalf("%d bytes of marks, %v", len(b), err)
	}
	list := make([][]int, n)
	for ; len(b) > 0; b = b[16:] {
		i := binary.LittleEndian.Uint64(b)
		list[i] = append(list[i], int(binary.LittleEndian.Uint64(b[8:])))
	}
	return list
}

// T282, T309, W01: while workers are killed, also in the middle of arguments and results larger than the ring, each element begins at most
// once, and no more than once for each retry; what succeeded has begun in the end; what failed names the process in which
// it began; and one death hurts no more than one element.
func TestKillsRunNothingTwice(t *testing.T) {
	for _, c := range []struct {
		name    string
		n       int
		size    int
		retries int
	}{
		{"small", 20_000, 10, 0}, {"large", 120, 3 << 20, 0}, {"retried", 5_000, 10, 1000}, {"large, retried", 60, 3 << 20, 1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			noLeaks(t)
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			rng := rand.New(rand.NewPCG(seed, 0))
			pool := newPool(t, mp.PoolConfig{Workers: 3, Retries: c.retries})
			log := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(log, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			pad := pattern(c.size)
			k := &killer{killed: make(map[int]bool)}
			over := make(chan struct{})
			var wg sync.WaitGroup
			progress := make(chan struct{}, 1) // a kill for some outcomes: who is killed before he does anything waits longer and longer
			wg.Go(func() {
				for {
					select {
					case <-over:
						return
					case <-progress:
					}
					<-time.After(time.Duration(rng.IntN(4000)) * time.Microsecond)
					k.kill(pool, rng)
				}
			})
			errs := make([]error, c.n)
			seen := 0
			for i, r := range mark.Results(ctx, pool, func(yield func(marked) bool) {
				for i := range c.n {
					if !yield(marked{log, i, time.Duration(i%50) * time.Microsecond, pad}) {
						return
					}
				}
			}) {
				seen++
				errs[i] = r.Err
				if seen%max(1, c.n/200) == 0 {
					select {
					case progress <- struct{}{}:
					default:
					}
				}
				if r.Err == nil && !isPattern(r.Value, c.size) {
					t.Errorf("element %d came back with %d bytes", i, len(r.Value))
				}
			}
			close(over)
			wg.Wait()
			if seen != c.n {
				t.Fatalf("%d outcomes of %d", seen, c.n)
			}
			hurt := checkMarks(t, marks(t, log, c.n), errs, c.retries)
			t.Logf("%d killed, %d elements hurt", len(k.killed), len(hurt))
			for pid, n := range hurt {
				if n > 1 || !k.killed[pid] {
					t.Errorf("worker %d, killed %v, hurt %d elements", pid, k.killed[pid], n)
				}
			}
			if err := pool.Ready(ctx); err != nil {
				t.Error(err)
			}
			if s := pool.Stats(); s.Done+s.Failed != int64(c.n) || s.Failed != int64(len(hurt)) || s.Queued+s.Running != 0 {
				t.Errorf("%d elements, %d hurt: %+v", c.n, len(hurt), s)
			}
		})
	}
}

// checkMarks compares what began with the outcomes, and returns how many elements each process hurt.
func checkMarks(t *testing.T, began [][]int, errs []error, retries int) map[int]int {
	t.Helper()
	hurt := make(map[int]int)
	for i, pids := range began {
		if len(pids) > 1+retries {
			t.Errorf("element %d began %d times, in %v", i, len(pids), pids)
		}
		if errs[i] == nil {
			if len(pids) == 0 {
				t.Errorf("element %d succeeded and never began", i)
			}
			continue
		}
		var we *mp.WorkerError
		var ee *mp.ElementError
		if !errors.As(errs[i], &ee) || ee.Index != i || !errors.As(errs[i], &we) || we.Index != i || we.Signal != syscall.SIGKILL || we.Attempts != 1+retries {
			t.Errorf("element %d: %v", i, errs[i])
			continue
		}
		hurt[we.PID]++
		if len(pids) > 0 && pids[len(pids)-1] != we.PID {
			t.Errorf("element %d began in %v, its error names %d", i, pids, we.PID)
		}
	}
	return hurt
}

// All workers killed at once, again and again: with retries nobody notices.
func TestKillAllAtOnce(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 3, Retries: 1000})
	for range 10 {
		if err := pool.Ready(ctx); err != nil {
			t.Fatal(err)
		}
		var once sync.Once
		in := make([]int, 3000)
		for i := range in {
			in[i] = i
		}
		out, err := square.Map(ctx, pool, in, mp.Observe(func(e mp.Event) {
			if e.Index > 1000 {
				once.Do(func() {
					for _, w := range pool.Workers() {
						if w.PID > 0 {
							_ = syscall.Kill(w.PID, syscall.SIGKILL)
						}
					}
				})
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range out {
			if v != i*i {
				t.Fatalf("element %d is %d", i, v)
			}
		}
	}
}

// slowInit is killed twice by its test before it is allowed to finish.
var slowInit = mp.Func("slowInit", func(_ context.Context, dir string) (int, error) {
	if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(os.Getpid())), nil, 0o600); err != nil {
		return 0, err
	}
	if pids, err := os.ReadDir(dir); err != nil || len(pids) > 2 {
		return 0, err
	}
	select {}
})

// A worker that somebody kills during Init is started again.
func TestKillDuringInit(t *testing.T) {
	noLeaks(t)
	dir := t.TempDir()
	var wg sync.WaitGroup
	wg.Go(func() {
		killed := make(map[string]bool)
		eventually(t, "two workers were killed", func() bool {
			pids, _ := os.ReadDir(dir)
			for _, p := range pids {
				if pid, _ := strconv.Atoi(p.Name()); !killed[p.Name()] && len(killed) < 2 {
					killed[p.Name()] = syscall.Kill(pid, syscall.SIGKILL) == nil
				}
			}
			return len(killed) == 2
		})
	})
	pool := newPool(t, mp.PoolConfig{Workers: 1, Init: slowInit.With(dir)})
	wg.Wait()
	if v, err := square.Call(ctx, pool, 5); v != 25 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
}

// W11: a stopped worker is one that takes too long. If its element had begun, that fails; else another runs it.
func TestStoppedWorker(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 1, Grace: 10 * time.Millisecond, Stderr: io.Discard})
	path, _ := fifo(t)
	worker := pool.Workers()[0].PID
	fut := read.Go(ctx, pool, path, mp.Timeout(200*time.Millisecond))
	eventually(t, "somebody opens the pipe", func() bool {
		f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err == nil {
			stop(t, worker) // before it can see that there is nothing
			_ = f.Close()
		}
		return err == nil
	})
	var te *mp.TimeoutError
	if _, err := fut.Wait(ctx); !errors.As(err, &te) || !te.Killed || te.Timeout != 200*time.Millisecond {
		t.Errorf("begun, then stopped: %v", err)
	}
	if err := pool.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	stop(t, pool.Workers()[0].PID)
	if v, err := square.Call(ctx, pool, 6, mp.Timeout(10*time.Millisecond)); v != 36 || err != nil {
		t.Errorf("stopped before it began: %d, %v", v, err)
	}
}
