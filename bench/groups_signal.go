package main

import (
	"context"
	"errors"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

var signalGroup = group{
	name:  "signal",
	about: "this process and another signal each other by two Semaphores, or two Events, and wait",
	open: func(r *runner) (*bench, error) {
		n := r.n(20_000)
		few := r.n(5_000)
		return &bench{sides: []side{
			{"semaphores", func() (figures, error) { return semaphoresThereAndBack(n) }},
			{"events", func() (figures, error) { return eventsThereAndBack(n) }},
			pythonSide("Semaphore", "semaphores", few),
			pythonSide("Event", "events", few),
			{"futex", func() (figures, error) { return futex("sleep", few, 0) }},
		}}, nil
	},
	lines: []line{
		{what: "2 Semaphores, there and back between 2 processes, p50, vs Python", ours: "semaphores", rival: "Semaphore", unit: seconds, sense: timesUp},
		{what: "... p99", ours: "semaphores p99", rival: "Semaphore p99", unit: seconds, sense: timesUp},
		{what: "... p50, vs a C futex ping-pong between two CPUs that always sleeps", ours: "semaphores", rival: "sleep", unit: seconds, sense: overhead},
		{what: "2 Events, cleared by who waited, likewise, p50, vs Python", ours: "events", rival: "Event", unit: seconds, sense: timesUp},
		{what: "... p99", ours: "events p99", rival: "Event p99", unit: seconds, sense: timesUp},
	},
}

// signals are two of a kind: the caller gives Ping and waits for Pong.
type signals[S any] struct {
	Ping, Pong *S
	N          int
}

var (
	answerSemaphores = mp.Func("answerSemaphores", func(ctx context.Context, s signals[shared.Semaphore]) (struct{}, error) {
		for range s.N {
			if err := errors.Join(s.Ping.Acquire(ctx), s.Pong.Release()); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})

	answerEvents = mp.Func("answerEvents", func(ctx context.Context, s signals[shared.Event]) (struct{}, error) {
		for range s.N {
			if err := errors.Join(awaitEvent(ctx, s.Ping), s.Pong.Set()); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
)

func awaitEvent(ctx context.Context, e *shared.Event) error {
	return errors.Join(e.Wait(ctx), e.Clear())
}

func semaphoresThereAndBack(n int) (figures, error) {
	ping, err1 := shared.NewSemaphore(0)
	pong, err2 := shared.NewSemaphore(0)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	defer free(ping, pong)
	return thereAndBack("semaphores", n, answerSemaphores, signals[shared.Semaphore]{Ping: ping, Pong: pong},
		func(ctx context.Context) error { return errors.Join(ping.Release(), pong.Acquire(ctx)) })
}

func eventsThereAndBack(n int) (figures, error) {
	ping, err1 := shared.NewEvent()
	pong, err2 := shared.NewEvent()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	defer free(ping, pong)
	return thereAndBack("events", n, answerEvents, signals[shared.Event]{Ping: ping, Pong: pong},
		func(ctx context.Context) error { return errors.Join(ping.Set(), awaitEvent(ctx, pong)) })
}

// thereAndBack times round trips to a process that answers.
func thereAndBack[S any](name string, n int, answer *mp.Function[signals[S], struct{}], s signals[S], trip func(context.Context) error) (figures, error) {
	warm := n / 10
	s.N = warm + n
	times := make(latencies, 0, n)
	var nothing struct{}
	err := together(inProcess(answer, s, &nothing), func(ctx context.Context) error {
		for i := range s.N {
			begin := time.Now()
			if err := trip(ctx); err != nil {
				return err
			}
			if i >= warm {
				times.since(begin)
			}
		}
		return nil
	})
	return times.figures(name), err
}
