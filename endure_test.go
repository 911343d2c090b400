//go:build linux

package mp_test

import (
	"fmt"
	"maps"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-multiproc/mp/shared"
)

// A weight is what a process weighs, in bytes, and what else it holds that must not grow.
type weight struct {
	heap, rss int64
	holds     map[string]int
}

// scales weighs this process, once all has ended that is about to.
func scales(t *testing.T) weight {
	t.Helper()
	w := weight{heap: heapNow(), rss: residentSet(t, os.Getpid()), holds: holdings()}
	if s, err := shared.Stats(); err != nil {
		t.Fatal(err)
	} else {
		w.holds["shared objects"], w.holds["shared bytes"], w.holds["members"] = int(s.Objects), int(s.Used), len(s.PIDs)
	}
	return w
}

func (w weight) String() string {
	return fmt.Sprintf("heap %.1f MiB, RSS %.1f MiB, %v", mib(w.heap), mib(w.rss), w.holds)
}

func mib(n int64) float64 { return math.Round(float64(n)/(1<<20)*10) / 10 }

// residentSet is what a process has in memory.
func residentSet(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// Bounds of growth between the end of the warm-up and the end: what the garbage collector and the sizes of buffers make of the same load
// at different moments stays far below, and a leak of a few bytes an element or a few hundred a pool, in the long forms, does not.
const (
	heapGrowth = 16 << 20
	rssGrowth  = 96 << 20
)

// grown checks that the process weighs what it did before.
func grown(t *testing.T, before weight) {
	t.Helper()
	var now weight
	more := func() (more string) {
		now = scales(t)
		for what, n := range now.holds {
			if n > before.holds[what] {
				more += fmt.Sprintf("; %s: %d before, %d now", what, before.holds[what], n)
			}
		}
		if d := now.heap - before.heap; d > heapGrowth {
			more += fmt.Sprintf("; the heap grew by %.1f MiB", mib(d))
		}
		if d := now.rss - before.rss; d > rssGrowth {
			more += fmt.Sprintf("; the resident set grew by %.1f MiB", mib(d))
		}
		return more
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-tick.C {
		text := more()
		if text == "" {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("left or grown%s\n%s", text, situation())
			break
		}
		runtime.Gosched()
	}
	t.Logf("after the warm-up: %v", before)
	t.Logf("at the end:        %v", now)
	if !maps.Equal(before.holds, now.holds) {
		t.Logf("some were there before and are not now")
	}
}
