package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// initFault is a pool whose workers cannot be made ready.
func initFault(time.Duration) (fate, error) {
	begun := time.Now()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: workers, Init: noInit.With(0)})
	took := time.Since(begun)
	if err == nil {
		pool.Close()
		return fate{Text: "a pool without Init"}, nil
	}
	return fate{Text: "`NewPool` returns the error", Seconds: took.Seconds()}, nil
}

// parentFault kills a program whose workers are busy.
func parentFault(limit time.Duration) (fate, error) {
	e, err := newEar()
	if err != nil {
		return fate{}, err
	}
	defer e.close()
	cmd := exec.Command(own(), roleDoomed, e.name)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return fate{}, err
	}
	var pids []int
	for range workers {
		pid, _, err := e.hear()
		if err != nil {
			return fate{}, errors.Join(err, cmd.Process.Kill(), cmd.Wait())
		}
		pids = append(pids, pid)
	}
	begun := time.Now()
	if err := cmd.Process.Kill(); err != nil {
		return fate{}, err
	}
	_ = cmd.Wait() // it was killed
	left := workers
	for left > 0 && time.Since(begun) < limit {
		left = 0
		for _, pid := range pids {
			if runsOn(pid) {
				left++
			}
		}
		time.Sleep(100 * time.Microsecond)
	}
	if left > 0 {
		return fate{Text: fmt.Sprintf("%d of %d workers live on", left, workers), None: 1}, nil
	}
	return fate{Text: "all workers end", Seconds: time.Since(begun).Seconds()}, nil
}

// beDoomed is the program that is killed.
func beDoomed(pipe string) error {
	pool, err := newPool(workers)
	if err != nil {
		return err
	}
	for range workers {
		badly.Go(ctx, pool, mp.Pack3(faultVictim, "busy", pipe))
	}
	return pool.Close() // which waits for ever
}

// holdAndTell locks, tells so, and never unlocks.
var holdAndTell = mp.Func2("holdAndTell", func(ctx context.Context, m *shared.Mutex, pipe string) (int, error) {
	if err := errors.Join(m.Lock(ctx), tell(pipe)); err != nil {
		return 0, err
	}
	<-ctx.Done()
	return 0, nil
})

// readAndTell tells that it waits for an item, and does.
var readAndTell = mp.Func2("readAndTell", func(ctx context.Context, q *shared.Queue[int], pipe string) (int, error) {
	if err := tell(pipe); err != nil {
		return 0, err
	}
	return q.Get(ctx)
})

// killThere starts a process that does something with a handle, and kills it a moment after it has told that it does. It returns the
// time of that.
func killThere[H any](f *mp.Function[mp.Args2[H, string], int], handle H) (begun time.Time, err error) {
	e, err := newEar()
	if err != nil {
		return begun, err
	}
	defer e.close()
	p, err := f.Start(ctx, mp.Pack2(handle, e.name))
	if err != nil {
		return begun, err
	}
	if _, _, err := e.hear(); err != nil {
		return begun, errors.Join(err, p.Kill())
	}
	time.Sleep(100 * time.Millisecond) // as in Python: who waits does so by now
	begun = time.Now()
	return begun, p.Kill()
}

func lockFault(limit time.Duration) (fate, error) {
	m, err := shared.NewMutex()
	if err != nil {
		return fate{}, err
	}
	defer free(m)
	begun, err := killThere(holdAndTell, m)
	if err != nil {
		return fate{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err = m.Lock(bounded)
	took := time.Since(begun)
	switch {
	case errors.Is(err, shared.ErrOwnerDied):
		return fate{Text: "the next has it, and is told", Seconds: took.Seconds()}, m.Unlock()
	case err == nil:
		return fate{Text: "the next has it, and is not told", Seconds: took.Seconds()}, m.Unlock()
	}
	return fate{Text: "nobody ever gets it again", None: 1}, nil
}

func queueFault(limit time.Duration) (fate, error) {
	q, err := shared.NewQueue[int](shared.QueueConfig{})
	if err != nil {
		return fate{}, err
	}
	defer free(q)
	begun, err := killThere(readAndTell, q)
	if err != nil {
		return fate{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := q.Put(bounded, 1); err != nil {
		return fate{}, err
	}
	if _, err := q.Get(bounded); err != nil {
		return fate{Text: "nobody ever gets an item again", None: 1}, nil
	}
	return fate{Text: "the next reader gets the item", Seconds: time.Since(begun).Seconds()}, nil
}
