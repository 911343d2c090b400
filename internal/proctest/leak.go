package proctest

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// NoLeaks fails the test at its end if this process then holds more of one of these kinds than now. Call it first, so that it
// looks last: what the test's other cleanups end is no leak. What is only just ending is waited for. A test that has failed is not
// looked at. Less than before is fine: an earlier test may have been about to give it back.
func NoLeaks(t testing.TB, kinds ...Kind) {
	t.Helper()
	noLeaks(t, patience, kinds)
}

func noLeaks(t testing.TB, limit time.Duration, kinds []Kind) {
	t.Helper()
	before := Take(kinds...)
	t.Cleanup(func() {
		t.Helper()
		if t.Failed() {
			return
		}
		left := ""
		if !Within(limit, func() bool { left = before.More(Take(kinds...)); return left == "" }) {
			t.Errorf("the test leaves behind:\n%s\n%s", left, Stacks())
		}
	})
}

// A Stock is what this process holds, by kind.
type Stock map[string]held

type held struct {
	n     int
	names []string // may be fewer: not all kinds have names
}

// A Kind adds what this process holds of one kind of thing.
type Kind func(Stock)

// Take looks at these kinds.
func Take(kinds ...Kind) Stock {
	s := make(Stock)
	for _, k := range kinds {
		k(s)
	}
	return s
}

// Add is for kinds that a package has of its own: it holds n things of the kind, these among them.
func (s Stock) Add(kind string, n int, names ...string) { s[kind] = held{n, names} }

// Counts is how many there are of each kind.
func (s Stock) Counts() map[string]int {
	counts := make(map[string]int)
	for kind, h := range s {
		counts[kind] = h.n
	}
	return counts
}

// More tells of what kinds there are more now, a line each with the names that are new; nothing if there is no more of any.
func (s Stock) More(now Stock) string {
	var lines []string
	for _, kind := range slices.Sorted(maps.Keys(now)) {
		was, is := s[kind], now[kind]
		if is.n <= was.n {
			continue
		}
		added := slices.DeleteFunc(slices.Clone(is.names), func(name string) bool { return slices.Contains(was.names, name) })
		lines = append(lines, fmt.Sprintf("%s: %d before, %d now %q", kind, was.n, is.n, added))
	}
	return strings.Join(lines, "\n")
}

// Goroutines have no names: a failure shows all their stacks.
func Goroutines(s Stock) { s.Add("goroutines", runtime.NumGoroutine()) }

// Descriptors are this process's, but for those that the runtime's poller makes with the first wait and keeps.
func Descriptors(s Stock) {
	names := OpenFiles()
	names = slices.DeleteFunc(names, func(name string) bool {
		return strings.HasSuffix(name, " anon_inode:[eventpoll]") || strings.HasSuffix(name, " anon_inode:[eventfd]")
	})
	s.Add("descriptors", len(names), names...)
}

// OpenFiles lists the descriptors of this process, "number target" each, but for the one that lists them.
func OpenFiles() []string {
	entries, _ := os.ReadDir("/proc/self/fd") // elsewhere than on Linux there is none
	var files []string
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			files = append(files, e.Name()+" "+target)
		}
	}
	return files
}

// Mappings are those of files whose names contain this.
func Mappings(part string) Kind {
	return func(s Stock) {
		text, _ := os.ReadFile("/proc/self/maps")
		var names []string
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, part) {
				names = append(names, strings.TrimSuffix(line, "\n"))
			}
		}
		s.Add("mappings of "+part, len(names), names...)
	}
}

// SharedFiles are the files in /dev/shm, but for those that tests of other packages, which run at the same time, make there, and Python for them.
func SharedFiles(s Stock) {
	entries, _ := os.ReadDir("/dev/shm")
	var names []string
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, "mptest_") && !strings.HasPrefix(name, "mp_") && !strings.HasPrefix(name, "sem.mp-") {
			names = append(names, name)
		}
	}
	s.Add("files in /dev/shm", len(names), names...)
}
