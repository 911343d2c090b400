package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-multiproc/mp"
)

var crashGroup = group{
	name:  "crash",
	about: "SIGKILL of a small worker in a busy loop until its caller has the error",
	open: func(r *runner) (*bench, error) {
		dir, err := scratchDir()
		if err != nil {
			return nil, err
		}
		name := filepath.Join(dir, "begun")
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			return nil, err
		}
		pipe, err := os.OpenFile(name, os.O_RDWR, 0) // for writing too, so that it never ends
		if err != nil {
			return nil, err
		}
		pool, err := newPool(1)
		if err != nil {
			pipe.Close()
			return nil, err
		}
		n, begun := r.n(20), bufio.NewReader(pipe)
		sides := []side{
			{"ours", func() (figures, error) {
				var times latencies
				for range n {
					took, err := crash(pool, name, begun)
					if err != nil {
						return nil, err
					}
					times = append(times, took.Seconds())
				}
				return times.figures("ours"), nil
			}},
			{"os.Process", func() (figures, error) { return lives("bare", n, bareCrash) }},
		}
		return &bench{sides: sides, close: func() { closing(pool)(); pipe.Close(); os.Remove(name) }}, nil
	},
	lines: []line{
		{what: "a crash of a small worker, kill to error at the caller", ours: "ours", unit: seconds, sense: limit, atLeast: 5e-3, stretch: 2e-3},
		{what: "... p99 (of each round)", ours: "ours p99", unit: seconds, sense: limit},
		{what: "... vs Kill and Wait of a bare process", ours: "ours", rival: "bare", unit: seconds, sense: overhead},
	},
}

// crash has a worker killed while it runs an element, and takes the time until the caller has the error.
func crash(pool *mp.Pool, name string, begun *bufio.Reader) (time.Duration, error) {
	if err := pool.Ready(ctx); err != nil {
		return 0, err
	}
	// A worker that ends in its first element is replaced later and later. That is not what is measured.
	if _, err := noopMP.Call(ctx, pool, 1); err != nil {
		return 0, err
	}
	call := endless.Go(ctx, pool, name)
	text, err := begun.ReadString('\n') // it runs now
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0, err
	}
	time.Sleep(time.Millisecond) // nobody expects anything any more
	begin := time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return 0, err
	}
	_, err = call.Wait(ctx)
	took := time.Since(begin)
	var died *mp.WorkerError
	if !errors.As(err, &died) || died.PID != pid || died.Signal != syscall.SIGKILL {
		return 0, fmt.Errorf("killed process %d, and the outcome is %w", pid, err)
	}
	return took, nil
}

// bareCrash is the same with nothing but os.Process.
func bareCrash() (time.Duration, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer read.Close()
	path := own()
	p, err := os.StartProcess(path, []string{path, roleSpin}, &os.ProcAttr{Files: []*os.File{nil, write, os.Stderr}})
	write.Close()
	if err != nil {
		return 0, err
	}
	_, readErr := bufio.NewReader(read).ReadString('\n')
	time.Sleep(time.Millisecond)
	begin := time.Now()
	err = p.Kill()
	_, waitErr := p.Wait()
	return time.Since(begin), errors.Join(readErr, err, waitErr)
}
