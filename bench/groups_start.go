package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"time"
)

var startGroup = group{
	name:  "start",
	about: "from the start of a process until its function runs",
	open: func(r *runner) (*bench, error) {
		n := r.n(30)
		return &bench{sides: []side{
			{"ours", func() (figures, error) {
				return lives("ours", n, func() (time.Duration, error) {
					begin := time.Now()
					p, err := now.Start(ctx, struct{}{})
					if err != nil {
						return 0, err
					}
					at, err := p.Wait(ctx)
					return time.Unix(0, at).Sub(begin.Round(0)), err // by the wall clock, which is everybody's
				})
			}},
			{"os.StartProcess", func() (figures, error) {
				return lives("bare", n, func() (time.Duration, error) {
					begin, at, err := bareProcess()
					return at.Sub(begin.Round(0)), err
				})
			}},
		}}, nil
	},
	lines: []line{
		{what: "start of a process to its function running vs os.StartProcess of the same binary to its main", ours: "ours", rival: "bare",
			unit: seconds, sense: overhead, atLeast: 1.4, stretch: 1.25},
		{what: "... p99", ours: "ours p99", rival: "bare p99", unit: seconds, sense: overhead},
	},
}

var lifeGroup = group{
	name:  "life",
	about: "from the start of a process that does nothing until it has ended and its result is there",
	open: func(r *runner) (*bench, error) {
		n := r.n(30)
		return &bench{sides: []side{
			{"ours", func() (figures, error) {
				return lives("ours", n, func() (time.Duration, error) {
					begin := time.Now()
					p, err := noopMP.Start(ctx, 7)
					if err != nil {
						return 0, err
					}
					v, err := p.Wait(ctx)
					took := time.Since(begin)
					if err == nil && v != 7 {
						err = errWrong
					}
					return took, err
				})
			}},
			{"os.StartProcess", func() (figures, error) {
				return lives("bare", n, func() (time.Duration, error) {
					begin, _, err := bareProcess()
					return time.Since(begin), err
				})
			}},
			pythonSide("Process, spawn", "spawn", r.n(8)),
			pythonSide("Process, forkserver", "forkserver", r.n(20)),
			pythonSide("Process, fork", "fork", r.n(50)),
		}}, nil
	},
	lines: []line{
		{what: "start + end vs Python spawn", ours: "ours", rival: "spawn", unit: seconds, sense: timesUp, atLeast: 20, stretch: 30},
		{what: "... vs Python forkserver", ours: "ours", rival: "forkserver", unit: seconds, sense: timesUp, atLeast: 5, stretch: 8},
		{what: "... vs Python fork", ours: "ours", rival: "fork", unit: seconds, sense: timesUp},
		{what: "... vs os.StartProcess and Wait of the same binary", ours: "ours", rival: "bare", unit: seconds, sense: overhead},
	},
}

// lives times n processes, one after another, after two to warm up.
func lives(name string, n int, live func() (time.Duration, error)) (figures, error) {
	var times latencies
	for i := range 2 + n {
		took, err := live()
		if err != nil {
			return nil, err
		}
		if i >= 2 {
			times = append(times, took.Seconds())
		}
	}
	return times.figures(name), nil
}

// bareProcess starts this binary without the library, as os/exec would, and waits for its end. It returns when it began, and
// when the process reached its main.
func bareProcess() (begin, at time.Time, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return begin, at, err
	}
	defer read.Close()
	path := own()
	begin = time.Now()
	p, err := os.StartProcess(path, []string{path, roleNow}, &os.ProcAttr{Files: []*os.File{nil, write, os.Stderr}})
	write.Close()
	if err != nil {
		return begin, at, err
	}
	var nanos int64
	err = binary.Read(read, binary.NativeEndian, &nanos)
	state, waitErr := p.Wait()
	switch {
	case err != nil:
	case waitErr != nil:
		err = waitErr
	case !state.Success():
		err = fmt.Errorf("the bare process: %v", state)
	}
	return begin, time.Unix(0, nanos), err
}
