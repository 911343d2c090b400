package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// The consumer takes burst elements and then sleeps, so that it is slower than the workers.
const (
	burst      = 500
	burstPause = time.Millisecond
)

var memoryGroup = group{
	name:   "memory",
	about:  "2,000,000 elements through Stream with a slow consumer: growth of the peak of the resident set",
	rounds: 3, // memory is no matter of luck, and this takes its time
	open: func(r *runner) (*bench, error) {
		many := r.n(2_000_000)
		return &bench{sides: []side{
			{"ours", func() (figures, error) { return memory("many", many) }},
			{"a tenth", func() (figures, error) { return memory("few", many/10) }},
			pythonSide("Pool.imap", "imap_memory", workers, many, burst, int(burstPause.Microseconds())),
		}}, nil
	},
	lines: []line{
		{what: "2,000,000 elements through Stream, slow consumer: growth of the parent's peak RSS", ours: "many", unit: mebibytes, sense: limit},
		{what: "... of both workers together", ours: "many workers", unit: mebibytes, sense: limit},
		{what: "... of the parent, with 200,000 elements", ours: "few", unit: mebibytes, sense: limit},
		{what: "... vs the parent of a Python Pool.imap(chunksize=100)", ours: "many", rival: "python", unit: mebibytes, sense: timesUp},
	},
}

// memory runs the role of that name in a process of its own: here, the heap has grown long since.
func memory(name string, n int) (figures, error) {
	cmd := exec.Command(own(), roleMemory, strconv.Itoa(n))
	cmd.Stderr = os.Stderr
	f, err := reading(cmd)
	return figures{name: f["parent"], name + " workers": f["workers"]}, err
}

// printMemory is the role: it streams as many elements as its argument says.
func printMemory(args []string) error {
	numbers, err := integers(args)
	if err != nil || len(numbers) != 1 {
		return errors.New("usage: @memory elements")
	}
	n := numbers[0]
	pool, err := newPool(workers)
	if err != nil {
		return err
	}
	defer pool.Close()
	peak := func() (parent, children float64, err error) {
		parent, err = peakRSS(os.Getpid())
		for _, w := range pool.Workers() {
			rss, e := peakRSS(w.PID)
			children, err = children+rss, errors.Join(err, e)
		}
		return parent, children, err
	}
	consume := func(n int) error {
		i := 0
		for v, err := range noopMP.Stream(ctx, pool, upTo(n)) {
			if err != nil {
				return err
			}
			if v != i {
				return errWrong
			}
			if i++; i%burst == 0 {
				time.Sleep(burstPause)
			}
		}
		if i != n {
			return errWrong
		}
		return nil
	}
	if err := consume(min(n, 10_000)); err != nil { // what a first stream needs is no growth
		return err
	}
	parent, children, err := peak()
	if err != nil {
		return err
	}
	if err := consume(n); err != nil {
		return err
	}
	parentNow, childrenNow, err := peak()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(figures{"parent": parentNow - parent, "workers": childrenNow - children})
}

// peakRSS is the most memory that a process has ever had resident, in bytes.
func peakRSS(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for l := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(l, "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")))
			return float64(kib) * 1024, err
		}
	}
	return 0, errors.New("no VmHWM")
}

func upTo(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}
