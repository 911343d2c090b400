package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// Each of these is measured in a process of its own, for here the heap has grown long since.
const (
	roleWorkerMemory = "@worker-memory" // prints what the workers of a pool take
	roleSharing      = "@sharing"       // prints what a payload takes that all workers have
)

// quiet is how long a pool has had nothing to do when its workers count as idle.
const quiet = time.Second

var workerMemoryCurve = group{
	name:   "curve-worker-memory",
	about:  "memory for each worker in pools of 1 to 64, right after the start, after no-ops, after payloads of 4 MiB and idle after those",
	apart:  true,
	rounds: 3,
	open: func(r *runner) (*bench, error) {
		var sides []side
		for _, w := range r.growing(1, 2, mostWorkers) {
			sides = append(sides,
				side{at("ours", w), func() (figures, error) { return inRole(w, roleWorkerMemory, w, r.n(20_000)) }},
				pythonCurve("Pool", w, "worker_memory", w, r.n(20_000)))
		}
		return &bench{sides: sides}, nil
	},
	charts: []chart{
		{
			file: "worker-memory", title: "Memory for each worker: its private pages and its share of those it has with others (PSS)",
			x: axis{label: "workers", unit: count}, y: axis{label: "PSS / worker", unit: byteCount, linear: true, binary: true},
			series: []series{
				{"mp, started", "started pss", oursMain},
				{"mp, after no-ops", "worked pss", oursToo},
				{"mp, idle, after payloads of 4 MiB", "idle pss", oursThird},
				{"mp, after no-ops: growth of the whole family / workers", "worked family", oursFourth},
				{"Python Pool (fork), after no-ops", "python pss", pythonKind},
			},
		},
		{
			file: "worker-pages", title: "Memory for each worker by kind",
			x: axis{label: "workers", unit: count}, y: axis{label: "bytes / worker", unit: byteCount, linear: true, binary: true},
			series: []series{
				{"mp, started, private", "started private", oursMain},
				{"mp, after no-ops, private", "worked private", oursToo},
				{"mp, after no-ops, shared with others", "worked shared", oursThird},
				{"mp, right after payloads of 4 MiB, private", "loaded private", oursFourth},
				{"mp, after no-ops, growth of what is the parent's own", "worked parent", oursFifth},
				{"Python Pool (fork), after no-ops, private", "python private", pythonKind},
			},
		},
	},
}

var sharingCurve = group{
	name:   "curve-sharing",
	about:  "memory that 3 processes, the parent and 2 workers, take for one payload that all have read: a shared.Array, or bytes as an argument",
	apart:  true,
	rounds: 3,
	open: func(r *runner) (*bench, error) {
		var sides []side
		for _, n := range r.growing(4<<10, 8, 1<<30) {
			for how, name := range []string{"array", "bytes"} {
				sides = append(sides, atMost(costly(n, 16<<20), side{at(name, n), func() (figures, error) {
					if err := roomFor(8 * n); err != nil {
						return nil, err
					}
					return inRole(n, roleSharing, n, how)
				}}))
			}
		}
		return &bench{sides: sides}, nil
	},
	charts: []chart{{
		file: "sharing", title: "One payload in the parent and 2 workers: memory of all three (PSS)",
		x: axis{label: "payload", unit: byteCount}, y: axis{label: "growth of PSS", unit: byteCount, binary: true},
		series: []series{
			{"a shared.Array", "array", oursMain},
			{"bytes, as an argument", "bytes", oursToo},
		},
	}},
}

// inRole runs a role, whose figures are those of curves at x.
func inRole(x int, role string, args ...int) (figures, error) {
	cmd := exec.Command(own(), role)
	for _, a := range args {
		cmd.Args = append(cmd.Args, strconv.Itoa(a))
	}
	cmd.Stderr = os.Stderr
	f, err := reading(cmd)
	return renamed(f, x), err
}

// A footprint is what a process has of the machine's memory, in bytes.
type footprint struct{ pss, private, shared float64 }

func takeFootprint(pid int) (f footprint, err error) {
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return f, err
	}
	for l := range strings.Lines(string(rollup)) {
		name, value, _ := strings.Cut(l, ":")
		kib, _ := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64) // the first line is none
		switch name {
		case "Pss":
			f.pss += kib * 1024
		case "Private_Clean", "Private_Dirty":
			f.private += kib * 1024
		case "Shared_Clean", "Shared_Dirty":
			f.shared += kib * 1024
		}
	}
	return f, nil
}

// collected is the footprint of this process when its garbage is gone.
func collected() (footprint, error) {
	debug.FreeOSMemory()
	return takeFootprint(os.Getpid())
}

// perWorker names what each worker takes, on average, what its parent has more of its own than before for each, and how the family has grown.
func perWorker(f figures, pool *mp.Pool, name string, before footprint) error {
	all := pool.Workers()
	n := float64(len(all))
	f[name+" family"] = -before.pss / n
	for _, w := range all {
		one, err := takeFootprint(w.PID)
		if err != nil {
			return err
		}
		f[name+" family"] += one.pss / n
		f[name+" pss"] += one.pss / n
		f[name+" private"] += one.private / n
		f[name+" shared"] += one.shared / n
	}
	parent, err := collected()
	f[name+" family"] += parent.pss / n
	f[name+" parent"] = max(0, (parent.private-before.private)/n)
	return err
}

// workerMemory is the role: a pool of w workers, n no-ops for each.
func workerMemory(w, n int) (figures, error) {
	before, err := collected()
	if err != nil {
		return nil, err
	}
	pool, err := newPool(w)
	if err != nil {
		return nil, err
	}
	defer closing(pool)()
	f := make(figures)
	for _, phase := range []struct {
		name string
		run  func() error
	}{
		{"started", func() error { return nil }},
		{"worked", func() error {
			_, err := noopMP.Map(ctx, pool, numbers(w*n))
			return err
		}},
		{"loaded", func() error { return size.Broadcast(ctx, pool, make([]byte, 4*megabyte)) }},
		{"idle", func() error { time.Sleep(quiet); return nil }},
	} {
		if err := phase.run(); err != nil {
			return nil, err
		}
		if err := perWorker(f, pool, phase.name, before); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// What a worker keeps, and has read.
var (
	kept      []byte
	keptArray *shared.Array[byte]

	keepBytes = mp.Func("keepBytes", func(_ context.Context, b []byte) (int, error) {
		kept = b
		return readAll(kept), nil
	})
	keepArray = mp.Func("keepArray", func(_ context.Context, a *shared.Array[byte]) (int, error) {
		keptArray = a
		return readAll(keptArray.Slice()), nil
	})
	tidy = mp.Func("tidy", func(context.Context, int) (int, error) {
		debug.FreeOSMemory()
		return 0, nil
	})
)

func readAll(b []byte) (sum int) {
	for _, v := range b {
		sum += int(v)
	}
	return sum
}

// sharing is the role: all workers of a pool read and keep n bytes, of an array (0) or as an argument (1).
func sharing(n, how int) (figures, error) {
	pool, err := newPool(workers)
	if err != nil {
		return nil, err
	}
	defer closing(pool)()
	everybody := func() (sum float64, err error) {
		if err = tidy.Broadcast(ctx, pool, 0); err != nil {
			return 0, err
		}
		own, err := collected()
		sum = own.pss
		for _, w := range pool.Workers() {
			one, e := takeFootprint(w.PID)
			sum, err = sum+one.pss, errors.Join(err, e)
		}
		return sum, err
	}
	if _, err := everybody(); err != nil { // the first time needs memory itself
		return nil, err
	}
	before, err := everybody()
	if err != nil {
		return nil, err
	}
	name := "array"
	if how == 0 {
		a, err := shared.NewArray[byte](n)
		if err != nil {
			return nil, err
		}
		defer free(a)
		full(a.Slice())
		err = keepArray.Broadcast(ctx, pool, a)
		if err != nil {
			return nil, err
		}
	} else {
		name = "bytes"
		b := make([]byte, n)
		defer runtime.KeepAlive(b)
		full(b)
		if err := keepBytes.Broadcast(ctx, pool, b); err != nil {
			return nil, err
		}
	}
	after, err := everybody()
	return figures{name: max(0, after-before)}, err
}

func full(b []byte) {
	for i := range b {
		b[i] = byte(i) | 1
	}
}

// printFigures is how a role answers.
func printFigures(f figures, err error) error {
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

// curveRole plays the roles of the curves; it returns the exit code.
func curveRole(role string, args []string) int {
	n, err := integers(args)
	if err == nil {
		switch role {
		case roleWorkerMemory:
			err = printFigures(workerMemory(n[0], n[1]))
		case roleSharing:
			err = printFigures(sharing(n[0], n[1]))
		case roleInFlight:
			err = printFigures(inFlight(n[0], n[1]))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, role, err)
		return 1
	}
	return 0
}
