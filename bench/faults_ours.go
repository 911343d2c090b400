package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-multiproc/mp"
)

// badly is the element to which the fault happens. It tells its process through a named pipe first.
var badly = mp.Func3("badly", func(_ context.Context, i int, fault, pipe string) (wayward, error) {
	if i != faultVictim {
		time.Sleep(faultWork)
		return 0, nil
	}
	if err := tell(pipe); err != nil {
		return 0, err
	}
	switch fault {
	case "exit":
		os.Exit(3)
	case "goexit":
		runtime.Goexit()
	case "error":
		return 0, &unkindError{hook: func() {}}
	case "result":
		return 1, nil
	case "memory":
		var hoard [][]byte
		for {
			hoard = append(hoard, slices.Repeat([]byte{1}, 1<<20))
		}
	}
	for n := 0; ; n++ { // endless, or until it is killed
		if n < 0 {
			return 0, nil
		}
	}
})

// unkindError is an error that can't be sent as it is.
type unkindError struct{ hook func() }

func (e *unkindError) Error() string { return "boom" }

// wayward can be sent only if it is 0.
type wayward int

var errWayward = errors.New("it cannot be encoded")

// MarshalBinary implements encoding.BinaryMarshaler.
func (w wayward) MarshalBinary() ([]byte, error) {
	if w != 0 {
		return nil, errWayward
	}
	return nil, nil
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (*wayward) UnmarshalBinary([]byte) error { return nil }

var noInit = mp.Func("noInit", func(context.Context, int) (int, error) { return 0, errors.New("no init") })

// tell tells who this process is, and the time, by the clock that all processes share.
func tell(pipe string) error {
	return os.WriteFile(pipe, fmt.Appendln(nil, os.Getpid(), time.Now().UnixNano()), 0)
}

// An ear is the reading end of a named pipe through which processes tell.
type ear struct {
	name  string
	file  *os.File
	lines *bufio.Reader
}

func newEar() (*ear, error) {
	dir, err := scratchDir()
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir, "told")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0) // for writing too, so that it never ends
	if err != nil {
		return nil, err
	}
	return &ear{name, file, bufio.NewReader(file)}, nil
}

func (e *ear) close() {
	e.file.Close()
	os.Remove(e.name)
}

// hear is what the next process tells.
func (e *ear) hear() (pid int, at time.Time, err error) {
	text, err := e.lines.ReadString('\n')
	if err != nil {
		return 0, at, err
	}
	var ns int64
	_, err = fmt.Sscan(text, &pid, &ns)
	return pid, time.Unix(0, ns), err
}

// poolFault has a fault happen to an element of a pool of ours, or to its idle worker.
func poolFault(name string, opts ...mp.CallOption) func(time.Duration) (fate, error) {
	return func(limit time.Duration) (fate, error) {
		e, err := newEar()
		if err != nil {
			return fate{}, err
		}
		defer e.close()
		c := mp.PoolConfig{Workers: workers}
		if name == "memory" {
			c.MemoryLimit = faultMemory
		}
		pool, err := mp.NewPool(c)
		if err != nil {
			return fate{}, err
		}
		defer func() { _ = pool.Kill() }()
		f, err := meet(pool, e, name, limit, opts)
		if err != nil {
			return fate{}, err
		}
		bounded, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		_, err = noopMP.Call(bounded, pool, 1)
		f.Usable = err == nil
		f.Ends = pool.Stop(bounded) == nil
		return f, nil
	}
}

// meet calls eight elements, lets the fault happen, and takes down what their callers hear.
func meet(pool *mp.Pool, e *ear, name string, limit time.Duration, opts []mp.CallOption) (fate, error) {
	idle := name == "idle"
	if idle {
		if err := syscall.Kill(pool.Workers()[0].PID, syscall.SIGKILL); err != nil {
			return fate{}, err
		}
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var f fate
	var last, victim time.Time
	begun := time.Now()
	for i := range faultElements {
		in := mp.Pack3(i, name, e.name)
		if idle {
			in.A = faultVictim + 1 // just work
		}
		wg.Add(1)
		badly.Go(ctx, pool, in, opts...).Then(func(_ wayward, err error) {
			defer wg.Done()
			mu.Lock()
			defer mu.Unlock()
			if last = time.Now(); i == faultVictim {
				victim = last
			}
			if err != nil {
				f.Failed++
			} else {
				f.OK++
			}
		})
	}
	pid := 0
	if !idle {
		var err error
		if pid, begun, err = e.hear(); err != nil {
			return fate{}, err
		}
		if name == "busy" {
			begun = time.Now()
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				return fate{}, err
			}
		}
	}
	all := make(chan struct{})
	go func() { wg.Wait(); close(all) }()
	select {
	case <-all:
	case <-time.After(limit):
	}
	mu.Lock()
	defer mu.Unlock()
	end := victim
	if idle {
		end = last
	}
	out := f
	out.None = faultElements - f.OK - f.Failed
	out.Seconds = end.Sub(begun).Seconds()
	out.Lives = name == "endless" && runsOn(pid)
	return out, nil
}

// runsOn reports whether a process runs still; a zombie does not.
func runsOn(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}
