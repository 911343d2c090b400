package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-multiproc/mp"
)

// Elements that wait for something, as for an answer from elsewhere: so many of them run at once as there are workers.
const napTime = 5 * time.Millisecond

var napMP = mp.Func("nap", nap)

func nap(_ context.Context, x int) (int, error) {
	time.Sleep(napTime)
	return x, nil
}

const (
	mostWorkers = 64
	napsEach    = 20 // naps for each worker
)

var workersCurve = group{
	name:   "curve-workers",
	about:  "pools of 1 to 64 workers: how long they take to start and to end, and what they get done",
	apart:  true,
	rounds: 5,
	open: func(r *runner) (*bench, error) {
		steps := stepsPerMicrosecond()
		no, work := numbers(r.n(300_000)), slices.Repeat([]int{100 * steps}, r.n(2_000))
		var sides []side
		for _, w := range r.growing(1, 2, mostWorkers) {
			naps := numbers(max(2, w*r.n(napsEach)))
			l := labour{no: no, single: no[:max(2, len(no)/3)], work: work, naps: naps}
			sides = append(sides,
				side{at("ours", w), func() (figures, error) { return poolOf(w, l) }},
				side{at("goroutines", w), func() (figures, error) { return goroutinesOf(w, l) }},
				side{at("os.StartProcess", w), func() (figures, error) {
					took, err := bareProcesses(w)
					return figures{at("bare", w): took.Seconds()}, err
				}},
				atMost(3, pythonCurve("Pool", w, "workers", w, r.n(100_000), len(naps), int(napTime.Microseconds()))))
		}
		return &bench{sides: sides}, nil
	},
	charts: []chart{
		{
			file: "workers-start", title: "A pool's start and end: time",
			x: axis{label: "workers", unit: count}, y: axis{label: "time", unit: longer},
			series: []series{
				{"mp, NewPool: all are ready", "start", oursMain},
				{"mp, Close", "close", oursToo},
				{"os.StartProcess of as many, at once, to their mains", "bare", systemKind},
				{"Python Pool (fork), a first map of as many", "pool start", pythonKind},
			},
		},
		{
			file: "workers-noop", title: "Map of no-ops on more workers than CPUs",
			x: axis{label: "workers, or goroutines", unit: count}, y: axis{label: "elements a second", unit: perSecond},
			series: []series{
				{"mp, default batches", "noop", oursMain},
				{"mp, ChunkSize(1)", "single", oursToo},
				{"goroutines, channels of 128", "noop goroutines", goroutinesKind},
				{"Python Pool.map", "noop python", pythonKind},
			},
		},
		{
			file: "workers-efficiency", title: "Share done of what the workers, or the CPUs, could do at best",
			x: axis{label: "workers, or goroutines", unit: count}, y: axis{label: "share", unit: fraction, linear: true},
			series: []series{
				{"mp, elements that wait 5 ms", "nap", oursMain},
				{"mp, 100 µs of work, of all CPUs", "burn", oursToo},
				{"goroutines, elements that wait 5 ms", "nap goroutines", goroutinesKind},
				{"goroutines, 100 µs of work, of all CPUs", "burn goroutines", systemKind},
				{"Python Pool.map(chunksize=1), 5 ms", "nap python", pythonKind},
			},
		},
	},
}

// labour is what each pool has to do.
type labour struct{ no, single, work, naps []int }

// poolOf measures a pool from its start to its end.
func poolOf(w int, l labour) (f figures, err error) {
	begin := time.Now()
	pool, err := newPool(w)
	started := time.Since(begin)
	if err != nil {
		return nil, err
	}
	defer closing(pool)()
	f = figures{"start": started.Seconds()}
	if _, err := noopMP.Map(ctx, pool, l.single); err != nil {
		return nil, err
	}
	if f["noop"], err = mapped(l.no, func(in []int) ([]int, error) { return noopMP.Map(ctx, pool, in) }); err != nil {
		return nil, err
	}
	if f["single"], err = mapped(l.single, func(in []int) ([]int, error) { return noopMP.Map(ctx, pool, in, mp.ChunkSize(1)) }); err != nil {
		return nil, err
	}
	naps, err := mapped(l.naps, func(in []int) ([]int, error) { return napMP.Map(ctx, pool, in) })
	if err != nil {
		return nil, err
	}
	f["nap"] = naps * napTime.Seconds() / float64(w)
	if f["burn"], err = burned(l.work, func(in []int) ([]uint64, error) { return burnMP.Map(ctx, pool, in) }); err != nil {
		return nil, err
	}
	begin = time.Now()
	err = pool.Close()
	f["close"] = time.Since(begin).Seconds()
	return renamed(f, w), err
}

// goroutinesOf is the same by goroutines.
func goroutinesOf(w int, l labour) (f figures, err error) {
	f = make(figures)
	if f["noop goroutines"], err = mapped(l.single, func(in []int) ([]int, error) { return channelsOf(w, noop, 128, in) }); err != nil {
		return nil, err
	}
	naps, err := mapped(l.naps, func(in []int) ([]int, error) { return channelsOf(w, nap, 128, in) })
	if err != nil {
		return nil, err
	}
	f["nap goroutines"] = naps * napTime.Seconds() / float64(w)
	f["burn goroutines"], err = burned(l.work, func(in []int) ([]uint64, error) { return channelsOf(w, burn, 128, in) })
	return renamed(f, w), err
}

// mapped is how many elements a second run maps. It checks them.
func mapped(in []int, run func([]int) ([]int, error)) (float64, error) {
	begin := time.Now()
	out, err := run(in)
	took := rate(len(in), begin)
	if err == nil && !slices.Equal(in, out) {
		err = errWrong
	}
	return took, err
}

// burned is the rate of run in that of as many goroutines as there are CPUs, which share nothing. They are measured on the spot.
func burned(in []int, run func([]int) ([]uint64, error)) (float64, error) {
	begin := time.Now()
	out, err := run(in)
	took := time.Since(begin)
	if err != nil {
		return 0, err
	}
	begin = time.Now()
	want, err := inHalves(burn, in)
	best := time.Since(begin)
	if err == nil && !slices.Equal(out, want) {
		err = errWrong
	}
	return best.Seconds() / took.Seconds(), err
}

// bareProcesses starts so many processes of this binary at once, and tells when the last has reached its main.
func bareProcesses(w int) (time.Duration, error) {
	type reached struct {
		at  time.Time
		err error
	}
	all := make(chan reached)
	begin := time.Now()
	for range w {
		go func() {
			_, at, err := bareProcess()
			all <- reached{at, err}
		}()
	}
	last, failed := begin, error(nil)
	for range w {
		one := <-all
		if one.err != nil {
			failed = fmt.Errorf("of %d: %w", w, one.err)
		} else if one.at.After(last) {
			last = one.at
		}
	}
	return last.Sub(begin.Round(0)), failed
}
