package main

import (
	"errors"
	"time"
)

var callGroup = group{
	name:  "call",
	about: "Call, one after another",
	open: func(r *runner) (*bench, error) {
		pool, err := newPool(workers)
		if err != nil {
			return nil, err
		}
		sides := []side{
			{"ours", func() (figures, error) {
				return calls(r.n(20_000), 0, func(i int) (int, error) { return noopMP.Call(ctx, pool, i) })
			}},
			{"channels", func() (figures, error) {
				f, err := channelCalls(r.n(20_000))
				return figures{"channels": f["ours"]}, err
			}},
			pythonSide("Pool.apply", "apply", workers, r.n(3_000), 0),
			pythonSide("ProcessPoolExecutor.submit", "submit", workers, r.n(3_000), 0),
		}
		return &bench{sides: sides, close: closing(pool)}, nil
	},
	lines: []line{
		{what: "Call round trip, p50, vs Python Pool.apply", ours: "ours", rival: "python", unit: seconds, sense: timesUp, atLeast: 25, stretch: 100},
		{what: "... p99", ours: "ours p99", rival: "python p99", unit: seconds, sense: timesUp},
		{what: "... p50, vs ProcessPoolExecutor.submit().result()", ours: "ours", rival: "futures", unit: seconds, sense: timesUp},
		{what: "... p50, vs a goroutine over channels there and back", ours: "ours", rival: "channels", unit: seconds, sense: overhead},
	},
}

// idle is the pause before each call that lets everybody go to sleep.
const idle = time.Millisecond

var idleGroup = group{
	name:  "idle",
	about: "Call to a worker that has slept for 1 ms",
	open: func(r *runner) (*bench, error) {
		pool, err := newPool(workers)
		if err != nil {
			return nil, err
		}
		n := r.n(500)
		sides := []side{
			{"ours", func() (figures, error) {
				return calls(n, idle, func(i int) (int, error) { return noopMP.Call(ctx, pool, i) })
			}},
			{"futex", func() (figures, error) { return futex("sleep", n, idle) }},
			{"futex, caller spinning", func() (figures, error) { return futex("spin", n, idle) }},
			pythonSide("Pool.apply", "apply", workers, n, int(idle.Microseconds())),
		}
		return &bench{sides: sides, close: closing(pool)}, nil
	},
	lines: []line{
		{what: "Call to a sleeping worker, p50, vs a C futex ping-pong between two CPUs, both asleep", ours: "ours", rival: "sleep",
			unit: seconds, sense: overhead, atLeast: 1.25, stretch: 1},
		{what: "... p99", ours: "ours p99", rival: "sleep p99", unit: seconds, sense: overhead},
		{what: "... p50, vs the same where only the worker sleeps and the caller spins", ours: "ours", rival: "spin", unit: seconds, sense: overhead},
		{what: "... p50, vs Python Pool.apply after 1 ms", ours: "ours", rival: "python", unit: seconds, sense: timesUp},
	},
}

var errWrong = errors.New("wrong result")

// calls times one call after another, with a pause before each.
func calls(n int, pause time.Duration, call func(int) (int, error)) (figures, error) {
	times := make(latencies, 0, n)
	for i := range n/10 + n {
		if pause > 0 {
			time.Sleep(pause)
		}
		begin := time.Now()
		v, err := call(i)
		if i >= n/10 { // the others warm up
			times.since(begin)
		}
		switch {
		case err != nil:
			return nil, err
		case v != i:
			return nil, errWrong
		}
	}
	return times.figures("ours"), nil
}

// channelCalls is calls to a goroutine, there and back over unbuffered channels.
func channelCalls(n int) (figures, error) {
	there, back := make(chan int), make(chan int)
	defer close(there)
	go func() {
		for i := range there {
			v, _ := noop(ctx, i) // it never fails
			back <- v
		}
	}()
	return calls(n, 0, func(i int) (int, error) {
		there <- i
		return <-back, nil
	})
}
