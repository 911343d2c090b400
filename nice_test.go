//go:build linux

package mp_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
)

// threads tells of each thread of a process how nice it is, and which CPUs it may use.
var threads = mp.Func("threads", func(_ context.Context, _ int) ([]string, error) {
	tasks, err := filepath.Glob("/proc/self/task/*")
	if err != nil || len(tasks) == 0 {
		return nil, fmt.Errorf("no threads: %w", err)
	}
	var all []string
	for _, task := range tasks {
		fields, err := proctest.Stat(strings.TrimPrefix(task, "/proc/"))
		if os.IsNotExist(err) { // it has ended
			continue
		}
		if err != nil {
			return nil, err
		}
		status, err := os.ReadFile(task + "/status")
		if err != nil {
			continue
		}
		_, cpus, _ := strings.Cut(string(status), "Cpus_allowed_list:")
		cpus, _, _ = strings.Cut(cpus, "\n")
		all = append(all, fields[16]+" on "+strings.TrimSpace(cpus))
	}
	slices.Sort(all)
	return slices.Compact(all), nil
})

// W39: a worker is as nice and uses the CPUs that its index was told, all its threads, and so is its successor.
func TestNiceAndCPUsOfASuccessor(t *testing.T) {
	noLeaks(t)
	now, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	nice := 20 - now
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	cpu := 0
	for !set.IsSet(cpu) {
		cpu++
	}
	for _, more := range []int{0, 3, 1000} {
		pool := newPool(t, mp.PoolConfig{Workers: 1, CPUs: [][]int{{cpu}}, Nice: more, MaxProcs: 3})
		want := []string{strconv.Itoa(min(nice+more, 19)) + " on " + strconv.Itoa(cpu)}
		for _, when := range []string{"at first", "after a death"} {
			if got, err := threads.Call(ctx, pool, 0); !slices.Equal(got, want) || err != nil {
				t.Errorf("%d nicer, %s: %q, not %q, %v", more, when, got, want, err)
			}
			if when == "at first" {
				killWorker(t, pool, 0)
			}
		}
	}
}
